"""Decisions about grades: pure functions, each tested with a table."""
