"""The correlation id of this thread's work: one per launch, from the login to the grade."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_current: ContextVar[str] = ContextVar("correlation_id", default="")


def current() -> str:
    """Return this thread's correlation id; "" without one."""
    return _current.get()


def new_id() -> str:
    """Return a new random correlation id."""
    return secrets.token_hex(8)


def follow(correlation_id: str) -> None:
    """Set this thread's correlation id, until the enclosing `story` or the request ends."""
    _current.set(correlation_id)


@contextmanager
def story(correlation_id: str = "") -> Iterator[None]:
    """Use a correlation id (or none yet) inside the block, and drop it afterwards."""
    token = _current.set(correlation_id)
    try:
        yield
    finally:
        _current.reset(token)
