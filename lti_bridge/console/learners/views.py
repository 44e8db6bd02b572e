"""The console's views of learners: search, history, actions on grades, export, erasure."""

import json
from collections.abc import Callable

from flask import Blueprint, Response, request

from ...audit.actor import Actor
from ...audit.log import record
from ...core.db import db, reading
from ...core.errors import ConfigurationError
from ...passback.actions import by_hand
from ...privacy.erasure.report import LMS_KEEPS
from ...privacy.erasure.run import erase_learner
from ...privacy.export import export_learner
from ...privacy.learners import AT_MOST, get_learner, preview
from ...services import Services, current_services
from ...web.pages import with_headers
from ..access import Rule, allow, not_found
from ..layout import go, show
from .page import check_grade, load_learner, search_learners, search_staff

blueprint = Blueprint("learners", __name__, url_prefix="/console/learners")

Act = Callable[[Services, int, str], str | None]
# Each button's function, its audit action, and the default notice.
ACTIONS: dict[str, tuple[Act, str, str]] = {
    "reread": (by_hand.read_again, "asked to read the result again", "It is read again."),
    "resend": (by_hand.resend, "asked to send the grade again", ""),
    "retry": (by_hand.retry_now, "asked to try the score now", ""),
    "park": (by_hand.park, "parked the score", "It is parked until somebody sends it again."),
    "another": (
        by_hand.allow_another_attempt,
        "allowed another attempt",
        "Another attempt is allowed. The learner is offered it when they open the activity.",
    ),
}


@blueprint.get("")
@allow(Rule.SIGNED_IN)
def search(actor: Actor) -> Response:
    """Find a learner by name, email, user id, registration id or course."""
    text = request.args.get("search", "").strip()[:200]
    course = request.args.get("course", "").strip()[:200]
    found = search_learners(actor, text, course)
    full = len(found) >= AT_MOST
    staff = [] if course else search_staff(actor, text)
    return show(
        "console/learners/list.html",
        found=found,
        staff=staff,
        search=text,
        course=course,
        full=full,
    )


@blueprint.get("/<int:learner_id>")
@allow(Rule.SIGNED_IN)
def story(actor: Actor, learner_id: int) -> Response:
    """One learner: every activity and attempt, from launch to gradebook."""
    shown = load_learner(actor, learner_id, current_services().now())
    return show("console/learners/learner.html", shown=shown)


@blueprint.get("/grades/<int:grade_id>/resend")
@allow(Rule.SIGNED_IN)
def ask_resend(actor: Actor, grade_id: int) -> Response:
    """Ask for confirmation to send again, with its effects."""
    learner_id, _ = check_grade(actor, grade_id)
    return show("console/learners/resend.html", grade_id=grade_id, learner_id=learner_id)


@blueprint.post("/grades/<int:grade_id>/<action>")
@allow(Rule.SIGNED_IN)
def act(actor: Actor, grade_id: int, action: str) -> Response:
    """Carry out one of a grade's buttons."""
    services = current_services()
    learner_id, platform_id = check_grade(actor, grade_id)
    if action not in ACTIONS:
        raise not_found()
    do, said, notice = ACTIONS[action]
    # In the transaction of the action: a refused one leaves no entry.
    subject, now = f"grade {grade_id}", services.now()
    record(actor, action, subject, said, now=now, platform_id=platform_id)
    following = do(services, grade_id, f"The {actor.role} {actor.name}")
    return go("learners.story", following or notice, learner_id=learner_id)


@blueprint.post("/<int:learner_id>/export")
@allow(Rule.OWNER)
def export(actor: Actor, learner_id: int) -> Response:
    """Return everything that is stored about a learner as a JSON file."""
    services = current_services()
    platform_id = _platform_of(learner_id)
    document = json.dumps(export_learner(services, learner_id), indent=2, ensure_ascii=False)
    subject, said = f"learner {learner_id}", "took everything that is kept of the learner"
    record(actor, "export", subject, said, now=services.now(), platform_id=platform_id)
    db.session.commit()
    response = Response(document + "\n", mimetype="application/json")
    name = f"learner-{learner_id}.json"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return with_headers(response)


@blueprint.get("/<int:learner_id>/erase")
@allow(Rule.OWNER)
def ask_erase(actor: Actor, learner_id: int) -> Response:
    """Show what would be deleted, and ask for the user id."""
    return _ask_erase(learner_id)


def _ask_erase(learner_id: int, problem: str = "") -> Response:
    _platform_of(learner_id)
    with reading():
        holdings = preview(learner_id)
    status = 400 if problem else 200
    return show(
        "console/learners/erase.html",
        status=status,
        holdings=holdings,
        problem=problem,
        lms_keeps=LMS_KEEPS,
    )


@blueprint.post("/<int:learner_id>/erase")
@allow(Rule.OWNER)
def erase(actor: Actor, learner_id: int) -> Response:
    """Start the erasure of a learner here and in SCORM Cloud."""
    _platform_of(learner_id)
    with reading():
        sub = get_learner(learner_id).sub
    if request.form.get("sub", "").strip() != sub:
        return _ask_erase(learner_id, "That is not the user id; nothing was erased.")
    anyway = request.form.get("ours_anyway") == "1"
    services = current_services()
    report = erase_learner(services, learner_id, asked_by=actor, ours_anyway=anyway)
    return show("console/learners/erased.html", report=report, lms_keeps=LMS_KEEPS)


def _platform_of(learner_id: int) -> int:
    """Return the platform of a learner; raises ConsoleRefused when there is no such learner."""
    try:
        with reading():
            return get_learner(learner_id).platform_id
    except ConfigurationError as error:
        raise not_found() from error
