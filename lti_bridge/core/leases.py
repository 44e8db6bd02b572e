"""A lease: who works on a row, until when, and the token that proves it."""


class LeaseLost(Exception):
    """The lease is another worker's now: the writes of this transaction are undone."""
