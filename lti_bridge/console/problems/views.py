"""The page of what is wrong: for now the launches that were refused."""

from flask import Blueprint, Response, request

from ...audit.actor import Actor
from ...core.db import db, reading
from ...problems.find_refusals import find_refusals
from ..access import Rule, allow
from ..layout import show

blueprint = Blueprint("problems", __name__, url_prefix="/console/problems")


@blueprint.get("/refused")
@allow(Rule.SIGNED_IN)
def refused(actor: Actor) -> Response:
    """Launches that were refused; one of them by the reference that its page shows."""
    reference = request.args.get("reference", "").strip()
    with reading(db.session()):
        found = find_refusals(actor.scope, reference)
    return show("console/problems/refused.html", found=found, reference=reference)
