"""Timers of the workers for problems."""

from flask import Flask

from ..queue.worker import Timer
from .note_writer import WRITE_SECONDS, write_notes


def timers(app: Flask) -> list[Timer]:
    """Return the timers of every worker process."""
    return [Timer("notes", WRITE_SECONDS, lambda: write_notes(app))]
