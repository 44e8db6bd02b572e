"""The console's page of the audit log."""
