"""The console's pages of alerts: where they go, and how they arrive there."""
