"""What is specific to one kind of LMS, each in one place."""
