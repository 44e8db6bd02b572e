"""Adds error pages to the app."""

from flask import Flask
from werkzeug.exceptions import HTTPException

from .pages import forbid_guessing
from .refusals import answer_http_error


def register(app: Flask) -> None:
    """Handle Flask's HTTP errors with our pages, and add nosniff to all responses."""
    app.register_error_handler(HTTPException, answer_http_error)
    app.after_request(forbid_guessing)
