"""Adds login, launch and the public keys to the app."""

from flask import Flask

from . import login_views, views


def register(app: Flask) -> None:
    """Register the views."""
    app.register_blueprint(login_views.blueprint)
    app.register_blueprint(views.blueprint)
