"""The console's page of the tool's keys."""
