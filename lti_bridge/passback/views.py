"""HTTP routes of passback: the exit page, its live status, and SCORM Cloud's postbacks."""

import json
import logging
from typing import Any

from flask import Blueprint, Response, jsonify, request
from sqlalchemy.exc import SQLAlchemyError

from ..core.db import db, reading
from ..core.signing import BadToken
from ..registrations.return_urls import postback_is_genuine, read_exit_token, read_postback_token
from ..scorm_cloud.progress import parse_progress
from ..services import Services, current_services
from ..web.pages import render_page
from ..web.translate import page_translator
from .load_exit_page import load_exit_page, speak
from .triggers.exit_and_postback import record_exit, record_postback

blueprint = Blueprint("passback", __name__)
logger = logging.getLogger(__name__)


@blueprint.get("/exit/<token>")
def leave(token: str) -> Response:
    """Record the exit, and show the page that follows the learner's grade."""
    services = current_services()
    try:
        launch_id = read_exit_token(services, token)
        known = record_exit(services, launch_id)
    except BadToken:
        known = False
    with reading():
        home = load_exit_page(services, launch_id) if known else None
    speaker = page_translator(home.locale if home is not None else None)
    if home is None:
        return render_page("passback/unknown_exit.html", status=404, speaker=speaker)
    shown = speak(home, speaker)
    return render_page("passback/exit.html", speaker=speaker, home=shown, token=token)


@blueprint.get("/exit/<token>/status")
def follow(token: str) -> tuple[Response, int] | Response:
    """Return the exit page's current content as JSON, for its script."""
    services = current_services()
    try:
        launch_id = read_exit_token(services, token)
    except BadToken:
        launch_id = None
    with reading():
        home = load_exit_page(services, launch_id) if launch_id is not None else None
    if home is None:
        return jsonify(error="unknown"), 404
    response = jsonify(speak(home, page_translator(home.locale)))
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.post("/postback/<token>")
def postback(token: str) -> tuple[str, int] | Response:
    """Receive a postback from SCORM Cloud; answers 2xx only after the commit."""
    services = current_services()
    registration_id = _genuine(services, token)
    if registration_id is None:
        challenge = {"WWW-Authenticate": 'Basic realm="postback"'}
        return Response("", 401, challenge)
    payload = _payload()
    if payload is None:
        return "", 204  # unreadable: a repeat would not help
    try:
        record_postback(services, registration_id, parse_progress(payload))
    except SQLAlchemyError:
        db.session.rollback()
        logger.exception("a postback could not be kept; SCORM Cloud is asked to repeat it")
        return "", 503
    return "", 204


def _genuine(services: Services, token: str) -> str | None:
    """Return the registration id of a postback with valid credentials, else None."""
    try:
        registration_id = read_postback_token(services, token)
    except BadToken:
        return None
    shown = request.authorization
    name, password = "", ""
    if shown is not None and shown.type == "basic":
        name, password = shown.username or "", shown.password or ""
    return (
        registration_id if postback_is_genuine(services, registration_id, name, password) else None
    )


def _payload() -> dict[str, Any] | None:
    """Return the posted registration: a JSON body, or the form field `data`; None if invalid."""
    text = request.form.get("data") or request.get_data(as_text=True)
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None
