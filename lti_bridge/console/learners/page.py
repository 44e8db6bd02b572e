"""One learner in the console: every activity, attempt and grade in the user's scope."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select

from ...audit.actor import Actor, Scope
from ...core.db import db, reading
from ...core.errors import ConfigurationError
from ...passback.actions.history import AttemptStory, GradeStory, tell_attempt, tell_grade
from ...platforms.models import Deployment
from ...privacy.learners import FoundLearner, find_learners, get_learner
from ...privacy.staff_users import FoundStaff, find_staff_users
from ...registrations.models import Grade, Registration, ResourceLink
from ..access import not_found


@dataclass(frozen=True)
class LearnerPage:
    """Everything that the page shows."""

    learner: FoundLearner
    cells: list[GradeStory]


@dataclass(frozen=True)
class ResetQuestion:
    """What is shown before an attempt is reset."""

    learner: str
    learner_id: int
    activity: str
    attempt: AttemptStory


def load_reset_question(row_id: int) -> ResetQuestion:
    """Return what a reset of an existing registration would delete."""
    with reading():
        registration = db.session.get_one(Registration, row_id)
        number = registration.learner_id
        name = get_learner(number).name or f"learner {number}"
        activity = registration.resource_link.title or "SCORM activity"
        return ResetQuestion(name, number, activity, tell_attempt(registration))


def search_learners(actor: Actor, text: str, course: str = "") -> list[FoundLearner]:
    """Return the matching learners in the user's scope."""
    scope = actor.scope
    with reading():
        return find_learners(
            text, course=course, platform_id=scope.platform_id, deployment_id=scope.deployment_id
        )


def search_staff(actor: Actor, text: str) -> list[FoundStaff]:
    """Return the matching users in the actor's scope who only have visits as staff.

    Empty for a scope of one deployment: visits do not store their deployment.
    """
    if actor.scope.deployment_id is not None:
        return []
    with reading():
        return find_staff_users(text, platform_id=actor.scope.platform_id)


def load_learner(actor: Actor, learner_id: int, now: datetime) -> LearnerPage:
    """Return one learner's page. Raises ConsoleRefused for one outside the actor's scope."""
    with reading():
        learner = _get(actor, learner_id)
        query = select(Grade).where(Grade.learner_id == learner_id, _inside(actor.scope))
        grades = list(db.session.scalars(query.order_by(Grade.id.desc())))
        if actor.scope.deployment_id is not None and not grades:
            raise not_found()
        return LearnerPage(learner, [tell_grade(grade, now) for grade in grades])


def _get(actor: Actor, learner_id: int) -> FoundLearner:
    try:
        learner = get_learner(learner_id)
    except ConfigurationError as error:
        raise not_found() from error
    if actor.scope.platform_id not in (None, learner.platform_id):
        raise not_found()
    return learner


def check_grade(actor: Actor, grade_id: int) -> tuple[int, int]:
    """Return a grade's learner and platform; raises ConsoleRefused outside of the scope."""
    query = select(Grade.learner_id, Grade.platform_id)
    with reading():
        row = db.session.execute(query.where(Grade.id == grade_id, _inside(actor.scope))).first()
    if row is None:
        raise not_found()
    return row.learner_id, row.platform_id


def _inside(scope: Scope) -> ColumnElement[bool]:
    """Limit a query of grades to a scope."""
    if scope.platform_id is None:
        return Grade.id.is_not(None)
    links = select(ResourceLink.id).join(Deployment, Deployment.id == ResourceLink.deployment_id)
    links = links.where(Deployment.platform_id == scope.platform_id)
    if scope.deployment_id is not None:
        links = links.where(ResourceLink.deployment_id == scope.deployment_id)
    return Grade.resource_link_id.in_(links)
