"""Adds exit and postback to the app, and passback's task to the queue."""

from flask import Flask

from ..services import EXTENSION
from . import tasks, views


def register(app: Flask) -> None:
    """Register the views and the task."""
    tasks.register(app, app.extensions[EXTENSION])
    app.register_blueprint(views.blueprint)
