"""Shared foundations: settings, database, time, leases, signing and outbound HTTP."""
