"""The console's pages of alerts: their channels and the mail server."""
