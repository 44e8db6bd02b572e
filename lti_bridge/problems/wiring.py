"""What this chapter adds to the app: it listens for what goes wrong."""

from flask import Flask

from ..services import EXTENSION
from .refused_launches import COUNTER, count_refusals


def register(app: Flask) -> None:
    """Note from now on what the other chapters publish."""
    app.extensions[COUNTER] = count_refusals(app.extensions[EXTENSION])
