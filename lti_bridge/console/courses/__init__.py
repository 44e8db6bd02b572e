"""The console's pages of courses."""
