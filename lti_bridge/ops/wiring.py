"""What this chapter adds to the app: health, metrics, and names for its log lines."""

from flask import Flask

from ..services import EXTENSION
from . import views
from .logs import log_events, name_requests
from .metrics import count_events


def register(app: Flask) -> None:
    """Add the pages of this chapter to the app, and count and log what the others publish."""
    services = app.extensions[EXTENSION]
    name_requests(app)
    count_events(app, services)
    log_events(services.events)
    app.register_blueprint(views.blueprint)
