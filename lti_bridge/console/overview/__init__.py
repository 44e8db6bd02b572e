"""The console's first page: work in progress, counts by day, and activities."""
