"""Outbound HTTP: a pooled session, an address check, deadlines and bounded bodies."""
