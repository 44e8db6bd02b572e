"""The console's page of self-tests."""
