"""What decides about a grade: pure functions, each with a table of tests."""
