"""HTTP routes for connecting an LMS: dynamic registration, Canvas's JSON, values to copy."""

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
    """Show the page, in the LMS's frame, that asks to confirm the registration."""
    services, asked = current_services(), _read_request()
    try:
        invite = look_at(services, asked)
    except BridgeError as error:
        return _refuse(error)
    return render_page("platforms/register.html", asked=asked, name=invite.name)


@blueprint.post("/register")
def finish_registration() -> AnyResponse:
    """Register the tool at the LMS; the page shown then closes the frame."""
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
    """Return the tool configuration for an LMS that takes its URL (Canvas: a developer key)."""
    makers = {lms.key: lms.configuration for lms in ALL}
    make = makers.get(lms_key)
    if make is None:
        abort(404)
    response = jsonify(make(ToolDefinition(current_services().settings.public_url)))
    response.headers["Cache-Control"] = f"public, max-age={DEFINITION_SECONDS}"
    return response


@blueprint.get("/setup")
def setup() -> AnyResponse:
    """Show all values that an LMS admin copies by hand."""
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
    """Let this browser activate the deployment: Canvas names it at the first launch only."""
    if connected.deployment_id is None:
        remember_browser(services, response, connected.platform_id)


def _refuse(error: BridgeError) -> Response:
    """Show an error page: what happened, who can fix it and how; log it with its reference."""
    db.session.rollback()
    code = "lms_unavailable" if isinstance(error, Unavailable) else "registration_failed"
    explanation, reference = "", correlation.current() or correlation.new_id()
    if isinstance(error, Refused):
        code, explanation = error.code or code, error.explanation
    # On one line: the error may contain text of the LMS.
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
