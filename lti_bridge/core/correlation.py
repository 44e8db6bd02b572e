"""The correlation id of what this thread works on: one launch's story, from click to gradebook."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_current: ContextVar[str] = ContextVar("correlation_id", default="")


def current() -> str:
    """Return the correlation id of the work at hand; empty outside of any story."""
    return _current.get()


def new_id() -> str:
    """Return a correlation id for a story that begins; it says nothing about anybody."""
    return secrets.token_hex(8)


def follow(correlation_id: str) -> None:
    """From here on this thread works on that story, until `story` or the request ends."""
    _current.set(correlation_id)


@contextmanager
def story(correlation_id: str = "") -> Iterator[None]:
    """Work on one story, or on none that is known yet, and forget it afterwards."""
    token = _current.set(correlation_id)
    try:
        yield
    finally:
        _current.reset(token)
