"""The log of what people changed: at the console, in the LMS, or by a command."""
