"""The console's page of people: owners, and admins of LMSs."""
