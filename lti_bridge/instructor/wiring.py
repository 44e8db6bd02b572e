"""What this chapter adds to the app: the pages of those who teach."""

from flask import Flask

from . import activity_views, views


def register(app: Flask) -> None:
    """Add the pages of this chapter to the app."""
    app.register_blueprint(views.blueprint)
    app.register_blueprint(activity_views.blueprint)
