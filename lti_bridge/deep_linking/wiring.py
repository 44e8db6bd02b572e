"""What this chapter adds to the app: the picker, and uploads in it."""

from flask import Flask

from . import package_views, picker_views


def register(app: Flask) -> None:
    """Add the pages of this chapter to the app."""
    app.register_blueprint(picker_views.blueprint)
    app.register_blueprint(package_views.blueprint)
