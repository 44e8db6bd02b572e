"""Into the console and out of it."""
