"""What this chapter adds to the app: connecting an LMS."""

from flask import Flask

from . import views


def register(app: Flask) -> None:
    """Add the pages of this chapter to the app."""
    app.register_blueprint(views.blueprint)
