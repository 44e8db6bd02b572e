"""What each kind of LMS does in its own way: every quirk, once."""
