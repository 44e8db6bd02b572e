"""Alerts by e-mail and webhook: one when a problem begins, one when it ends."""
