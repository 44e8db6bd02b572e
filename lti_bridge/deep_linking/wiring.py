"""Adds the picker and its uploads to the app."""

from flask import Flask

from . import package_views, picker_views


def register(app: Flask) -> None:
    """Register the views."""
    app.register_blueprint(picker_views.blueprint)
    app.register_blueprint(package_views.blueprint)
