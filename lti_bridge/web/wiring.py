"""What this chapter adds to the app: a page for every failure."""

from flask import Flask
from werkzeug.exceptions import HTTPException

from .pages import forbid_guessing
from .refusals import answer_http_error


def register(app: Flask) -> None:
    """Answer the web framework's errors with our pages, and forbid browsers to guess types."""
    app.register_error_handler(HTTPException, answer_http_error)
    app.after_request(forbid_guessing)
