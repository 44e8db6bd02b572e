"""Adds health, metrics and logging to the app."""

from flask import Flask

from ..services import EXTENSION
from . import views
from .logs import log_events, name_requests
from .metrics import count_events


def register(app: Flask) -> None:
    """Register the views, and subscribe counters and logs to all events."""
    services = app.extensions[EXTENSION]
    name_requests(app)
    count_events(app, services)
    log_events(services.events)
    app.register_blueprint(views.blueprint)
