"""Personal data: find, export, erase, and retention."""
