"""The console's first page: what goes well, and what needs somebody."""
