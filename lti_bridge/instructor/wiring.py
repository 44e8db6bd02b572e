"""Adds the instructor's pages to the app."""

from flask import Flask

from . import activity_views, views


def register(app: Flask) -> None:
    """Register the views."""
    app.register_blueprint(views.blueprint)
    app.register_blueprint(activity_views.blueprint)
