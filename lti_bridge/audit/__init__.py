"""The audit log of what people changed in the console, in the LMS, or by a command."""
