"""Health, metrics and the self-test."""
