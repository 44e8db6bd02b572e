"""The console's views of the set-up guide."""

from dataclasses import asdict

from flask import Blueprint, Response, jsonify, request

from ...audit.actor import Actor
from ...lms.generic import GENERIC
from ...lms.registry import ALL, KEYS, get_lms
from ...lms.tool_definition import ToolDefinition
from ...services import current_services
from ...web.pages import with_headers
from ..access import Rule, allow
from ..layout import show
from ..platforms.forms import InviteForm
from .steps import load_done, load_guide

blueprint = Blueprint("guide", __name__, url_prefix="/console/guide")


@blueprint.get("")
@allow(Rule.OWNER)
def steps(actor: Actor) -> Response:
    """Every step, and which are done."""
    tool, chosen = ToolDefinition(current_services().settings.public_url), request.args.get("lms")
    lms = get_lms(chosen) if chosen in KEYS else None
    form = InviteForm(
        dialect=lms.key if lms is not None else "",
        name=lms.label if lms not in (None, GENERIC) else "",
    )
    shown = load_guide()
    return show("console/guide/steps.html", shown=shown, tool=tool, lms=lms, kinds=ALL, form=form)


@blueprint.get("/status")
@allow(Rule.OWNER)
def status(actor: Actor) -> Response:
    """Which steps are done, for the page's script."""
    return with_headers(jsonify(asdict(load_done())))
