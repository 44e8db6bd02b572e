"""The one way out: a pooled session, an address check, a deadline and a bounded body."""
