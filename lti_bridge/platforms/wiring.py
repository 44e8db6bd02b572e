"""Adds dynamic registration to the app."""

from flask import Flask

from . import views


def register(app: Flask) -> None:
    """Register the views."""
    app.register_blueprint(views.blueprint)
