"""The audit log's page."""

from flask import Blueprint, Response, request

from ...audit.actor import Actor
from ...audit.log import AT_ONCE, list_entries
from ...core.db import db, reading
from ..access import Rule, allow
from ..layout import show

blueprint = Blueprint("audit", __name__, url_prefix="/console")


@blueprint.get("/audit")
@allow(Rule.SIGNED_IN)
def show_log(actor: Actor) -> Response:
    """What people did, newest first."""
    before, subject = request.args.get("before", type=int), request.args.get("subject", "")
    with reading(db.session()):
        entries = list_entries(actor.scope, before=before, subject=subject, at_most=AT_ONCE + 1)
    more = entries[AT_ONCE - 1].id if len(entries) > AT_ONCE else None
    return show("console/audit/log.html", entries=entries[:AT_ONCE], more=more, subject=subject)
