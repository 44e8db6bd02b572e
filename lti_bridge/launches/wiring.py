"""What this chapter adds to the app: login, launch and our public keys."""

from flask import Flask

from . import login_views, views


def register(app: Flask) -> None:
    """Add the pages of this chapter to the app."""
    app.register_blueprint(login_views.blueprint)
    app.register_blueprint(views.blueprint)
