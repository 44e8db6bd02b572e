"""What this chapter adds to the app: exit and postback, and what the queue runs."""

from flask import Flask

from ..services import EXTENSION
from . import tasks, views


def register(app: Flask) -> None:
    """Add the pages of this chapter to the app, and tell its queue what jobs run."""
    tasks.register(app, app.extensions[EXTENSION])
    app.register_blueprint(views.blueprint)
