"""The console's guide, from nothing to a first grade."""
