"""Triggers that make grades due: exit, postback, sweep, overdue round, reconciliation."""
