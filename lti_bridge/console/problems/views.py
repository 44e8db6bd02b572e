"""The console's views of current problems and refused launches."""

from collections.abc import Sequence

from flask import Blueprint, Response, current_app, g, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from ...audit.actor import Actor
from ...core.db import db, reading
from ...core.errors import Refused
from ...problems.alerts.evaluate import all_well_since
from ...problems.find_problems import COUNTS, find_problems
from ...problems.find_refusals import find_refusals
from ...problems.problem import Problem, ProblemKind
from ...registrations.models import ResourceLink
from ...services import Services, current_services
from ..access import Rule, allow
from ..layout import PROBLEMS, go, show
from ..overview.activities import sign_link_page
from . import actions

blueprint = Blueprint("problems", __name__, url_prefix="/console/problems")


@blueprint.get("/")
@allow(Rule.SIGNED_IN)
def list_all(actor: Actor) -> Response:
    """The current problems in the user's scope."""
    services = current_services()
    with reading():
        found = find_problems(services, actor.scope)
        places = _places(services, actor, found)
        well_since = all_well_since() if actor.is_owner else None
    setattr(g, PROBLEMS, current_app.extensions[COUNTS].keep(actor.scope, found))
    return show(
        "console/problems/problems.html",
        found=[(one, actions.button_of(one, places)) for one in found],
        places=places,
        well_since=well_since,
    )


def _places(
    services: Services, actor: Actor, found: Sequence[Problem]
) -> dict[tuple[ProblemKind, int], actions.NamedActivity]:
    """Return the activities that problems name, by the problem's kind and the link's id."""
    wanted = {(one.kind, link_id) for one in found for link_id, _ in one.activities}
    query = select(ResourceLink).where(ResourceLink.id.in_({number for _, number in wanted}))
    rows = db.session.scalars(query.options(joinedload(ResourceLink.deployment)))
    links = {row.id: (row.title, sign_link_page(services, actor, row)) for row in rows}
    places = {}
    for kind, link_id in sorted(one for one in wanted if one[1] in links):
        title, token = links[link_id]
        gone = kind is ProblemKind.GRADES_GONE
        address = url_for("link_pages.gradebook" if gone else "console.link", page=token)
        places[kind, link_id] = actions.NamedActivity(title or "SCORM activity", address)
    return places


@blueprint.post("/")
@allow(Rule.SIGNED_IN)
def act(actor: Actor) -> Response:
    """Carry out a problem's action."""
    try:
        done = actions.act(current_services(), actor, request.form.get("problem", ""))
    except Refused as error:
        return go("problems.list_all", str(error), tone="wait")
    return go("problems.list_all", done)


@blueprint.get("/refused")
@allow(Rule.SIGNED_IN)
def refused(actor: Actor) -> Response:
    """Refused launches, or one of them by the reference on its error page."""
    reference = request.args.get("reference", "").strip()
    code = request.args.get("code", "").strip()
    with reading():
        found = [one for one in find_refusals(actor.scope, reference) if code in ("", one.row.code)]
    return show("console/problems/refused.html", found=found, reference=reference, code=code)


@blueprint.post("/refused")
@allow(Rule.SIGNED_IN)
def forget(actor: Actor) -> Response:
    """Delete the rows of launches of one platform refused for one reason."""
    platform_id = request.form.get("platform_id", type=int)
    code = request.form.get("code", "")
    done = actions.forget(current_services(), actor, code, platform_id)
    return go("problems.refused", done)
