"""The console's pages of platforms."""
