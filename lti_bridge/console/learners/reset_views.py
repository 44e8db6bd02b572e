"""The console's views to reset one attempt, with a confirmation."""

from flask import Blueprint, Response, request
from sqlalchemy import select

from ...audit.actor import Actor
from ...audit.log import record
from ...core.db import db, reading
from ...core.errors import Refused, Unavailable
from ...passback.actions.reset_attempt import begin_reset, finish_reset
from ...registrations.models import OF_SAME_GRADE, Grade, Registration
from ...services import current_services
from ..access import Rule, allow, not_found
from ..layout import go, show
from .page import check_grade, load_reset_question

blueprint = Blueprint("resets", __name__, url_prefix="/console/learners/attempts")


@blueprint.get("/<int:registration>/reset")
@allow(Rule.SIGNED_IN)
def ask(actor: Actor, registration: int) -> Response:
    """Show what would be lost, and ask for confirmation."""
    return _ask(actor, registration)


@blueprint.post("/<int:registration>/reset")
@allow(Rule.SIGNED_IN)
def reset(actor: Actor, registration: int) -> Response:
    """Reset the attempt: the intent is stored before the call, its outcome after it."""
    _, platform_id = _check(actor, registration)
    if request.form.get("sure") != "1":
        return _ask(actor, registration, "Tick the box to go on; nothing was reset.")
    services = current_services()
    subject = f"registration {registration}"
    to_reset = begin_reset(services, registration, f"The {actor.role} {actor.name}")
    said = f"asked to reset the attempt {to_reset.registration_id}"
    record(actor, "reset", subject, said, now=services.now(), platform_id=platform_id)
    db.session.commit()
    learner_id = _check(actor, registration)[0]
    try:
        finish_reset(services, to_reset)
        outcome, tone = "The attempt was reset. The gradebook keeps its grade.", "good"
    except (Refused, Unavailable) as error:
        outcome, tone = str(error), "bad"
    now = services.now()
    record(actor, "reset-outcome", subject, outcome, now=now, platform_id=platform_id)
    db.session.commit()
    return go("learners.story", outcome, tone=tone, learner_id=learner_id)


def _ask(actor: Actor, registration: int, problem: str = "") -> Response:
    _check(actor, registration)
    question = load_reset_question(registration)
    status = 400 if problem else 200
    return show("console/learners/reset.html", status=status, question=question, problem=problem)


def _check(actor: Actor, registration: int) -> tuple[int, int]:
    """Return the learner and the platform; raises ConsoleRefused outside of the scope."""
    query = (
        select(Grade.id)
        .join(
            Registration,
            OF_SAME_GRADE,
        )
        .where(Registration.id == registration)
    )
    with reading():
        grade_id = db.session.scalar(query)
    if grade_id is None:
        raise not_found()
    return check_grade(actor, grade_id)
