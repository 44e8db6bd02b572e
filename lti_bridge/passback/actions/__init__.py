"""What a person may do with a grade: read or send it again, change how it is decided, ask why."""
