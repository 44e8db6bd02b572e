"""Connecting an LMS over HTTP: dynamic registration, Canvas's JSON, and values to copy."""

import logging

from flask import Blueprint, Response, abort, jsonify, request
from werkzeug.wrappers import Response as AnyResponse

from ..core import correlation
from ..core.db import db
from ..core.errors import BridgeError, Refused, Unavailable
from ..lms.registry import ALL
from ..lms.tool_definition import ToolDefinition
from ..services import Services, current_services
from ..web.pages import render_page
from .connect import Connected, Request, connect, look_at
from .connect_cookie import remember_browser
from .connect_errors import get_problem

blueprint = Blueprint("platforms", __name__, url_prefix="/lti")
DEFINITION_SECONDS = 300
logger = logging.getLogger(__name__)


@blueprint.get("/register")
def begin_registration() -> AnyResponse:
    """The LMS's frame opens this: show who is to be connected; nothing is used up by looking."""
    services, asked = current_services(), _read_request()
    try:
        invite = look_at(services, asked)
    except BridgeError as error:
        return _refuse(error)
    return render_page("platforms/register.html", asked=asked, name=invite.name)


@blueprint.post("/register")
def finish_registration() -> AnyResponse:
    """The page's button: register us at the LMS and close the frame."""
    services = current_services()
    try:
        connected = connect(services, _read_request())
    except BridgeError as error:
        return _refuse(error)
    response = render_page("platforms/registered.html", connected=connected)
    _remember(services, response, connected)
    return response


@blueprint.get("/<lms_key>.json")
def configuration(lms_key: str) -> AnyResponse:
    """The configuration that an LMS's form takes by its address (Canvas: a developer key)."""
    makers = {lms.key: lms.configuration for lms in ALL}
    make = makers.get(lms_key)
    if make is None:
        abort(404)
    response = jsonify(make(ToolDefinition(current_services().settings.public_url)))
    response.headers["Cache-Control"] = f"public, max-age={DEFINITION_SECONDS}"
    return response


@blueprint.get("/setup")
def setup() -> AnyResponse:
    """Every value that an LMS admin copies by hand."""
    tool = ToolDefinition(current_services().settings.public_url)
    return render_page("platforms/setup.html", tool=tool, kinds=ALL)


def _read_request() -> Request:
    values = request.values
    return Request(
        invite=values.get("invite", ""),
        configuration_url=values.get("openid_configuration", ""),
        registration_token=values.get("registration_token", ""),
    )


def _remember(services: Services, response: Response, connected: Connected) -> None:
    """Canvas names the deployment at its first launch: this browser may bring it."""
    if connected.deployment_id is None:
        remember_browser(services, response, connected.platform_id)


def _refuse(error: BridgeError) -> Response:
    """Show what happened, who can fix it and how; the log has the same reference."""
    db.session.rollback()
    code = "lms_unavailable" if isinstance(error, Unavailable) else "registration_failed"
    explanation, reference = "", correlation.current() or correlation.new_id()
    if isinstance(error, Refused):
        code, explanation = error.code or code, error.explanation
    # One line, whatever the LMS wrote into its addresses.
    logger.warning("registration refused: %s: %s [%s]", code, _line(error), reference)
    problem = get_problem(code)
    return render_page(
        "platforms/problem.html",
        status=problem.status,
        problem=problem,
        code=code,
        reference=reference,
        detail=str(error),
        explanation=explanation,
    )


def _line(error: BridgeError) -> str:
    return " ".join(str(error).split())
