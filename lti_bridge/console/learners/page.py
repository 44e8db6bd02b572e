"""One learner's story at the console: every activity, attempt and grade that the reader may see."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select

from ...audit.actor import Actor, Scope
from ...core.db import db, reading
from ...core.errors import ConfigurationError
from ...passback.actions.history import Moment, tell_moments
from ...passback.actions.outlook import sent_at_of, situation_of
from ...passback.learner_progress import progress_of
from ...passback.learner_state import LearnerState, decide_learner_state, last_word
from ...passback.learner_words import attempts_words, minutes_of, result_words
from ...passback.models import Score
from ...platforms.models import Deployment
from ...privacy.learners import FoundLearner, find_learners, get_learner
from ...privacy.staff_users import FoundStaff, find_staff_users
from ...registrations.identity import attempts_for
from ...registrations.models import Grade, Registration, ResourceLink
from ..access import not_found


@dataclass(frozen=True)
class LearnerAttempt:
    """One registration, and what happened to it."""

    row_id: int
    number: int
    registration_id: str
    course_id: str
    progress: str  # in words
    score: float | None
    seconds: float
    launched_at: datetime | None
    moments: list[Moment]

    @property
    def minutes(self) -> int:
        """Time spent, in whole minutes."""
        return minutes_of(self.seconds)


@dataclass(frozen=True)
class Cell:
    """One gradebook cell: its activity, how it stands and why, and its attempts."""

    grade_id: int
    title: str
    context: str
    state: LearnerState
    decision: str
    next_read_at: datetime | None
    next_send_at: datetime | None
    sent_at: datetime | None  # the LMS took the score then
    used: str  # how many attempts of the course, in words
    allowed: int  # attempts that this learner may make; 0: as many as they like
    attempts: list[LearnerAttempt]


@dataclass(frozen=True)
class LearnerPage:
    """Everything that the page shows."""

    learner: FoundLearner
    cells: list[Cell]


@dataclass(frozen=True)
class ResetQuestion:
    """What somebody must know before they reset an attempt."""

    registration: int
    learner_id: int
    learner: str
    activity: str
    course_id: str
    attempt: int
    progress: str  # in words
    score: float | None
    seconds: float

    @property
    def minutes(self) -> int:
        """Time spent, in whole minutes."""
        return minutes_of(self.seconds)


def load_reset_question(row_id: int) -> ResetQuestion:
    """Return what a reset would take, of a registration that is there."""
    with reading(db.session()):
        registration = db.session.get_one(Registration, row_id)
        learner_id = registration.learner_id
        return ResetQuestion(
            registration=registration.id,
            learner_id=learner_id,
            learner=get_learner(learner_id).name or f"learner {learner_id}",
            activity=registration.resource_link.title or "SCORM activity",
            course_id=registration.course_id,
            attempt=registration.attempt,
            progress=result_words(registration.completion, registration.success),
            score=registration.score_scaled,
            seconds=registration.seconds_tracked,
        )


def search_learners(actor: Actor, text: str, course: str = "") -> list[FoundLearner]:
    """Return the learners that fit, of those whom somebody at the console may see."""
    scope = actor.scope
    with reading(db.session()):
        return find_learners(
            text, course=course, platform_id=scope.platform_id, deployment_id=scope.deployment_id
        )


def search_staff(actor: Actor, text: str) -> list[FoundStaff]:
    """Return the users of whom only visits as staff are kept, of those whom the actor may see.

    A visit does not say from which installation it came.
    """
    if actor.scope.deployment_id is not None:
        return []
    with reading(db.session()):
        return find_staff_users(text, platform_id=actor.scope.platform_id)


def load_learner(actor: Actor, learner_id: int, now: datetime) -> LearnerPage:
    """Return one learner's story. Raises ConsoleRefused for one whom the actor may not see."""
    with reading(db.session()):
        learner = _get(actor, learner_id)
        query = select(Grade).where(Grade.learner_id == learner_id, _inside(actor.scope))
        grades = list(db.session.scalars(query.order_by(Grade.id.desc())))
        if actor.scope.deployment_id is not None and not grades:
            raise not_found()
        return LearnerPage(learner, [_cell(grade, now) for grade in grades])


def _get(actor: Actor, learner_id: int) -> FoundLearner:
    try:
        learner = get_learner(learner_id)
    except ConfigurationError as error:
        raise not_found() from error
    if actor.scope.platform_id not in (None, learner.platform_id):
        raise not_found()
    return learner


def check_grade(actor: Actor, grade_id: int) -> tuple[int, int]:
    """Return the learner and the platform of a grade; raises ConsoleRefused for a foreign one."""
    query = select(Grade.learner_id, Grade.platform_id)
    with reading(db.session()):
        row = db.session.execute(query.where(Grade.id == grade_id, _inside(actor.scope))).first()
    if row is None:
        raise not_found()
    return row.learner_id, row.platform_id


def _inside(scope: Scope) -> ColumnElement[bool]:
    """Limit a query of grades to what somebody may see."""
    if scope.platform_id is None:
        return Grade.id.is_not(None)
    links = select(ResourceLink.id).join(Deployment, Deployment.id == ResourceLink.deployment_id)
    links = links.where(Deployment.platform_id == scope.platform_id)
    if scope.deployment_id is not None:
        links = links.where(ResourceLink.deployment_id == scope.deployment_id)
    return Grade.resource_link_id.in_(links)


def _cell(grade: Grade, now: datetime) -> Cell:
    link = grade.resource_link
    registrations = list(_registrations(grade))
    query = select(Score).where(Score.grade_id == grade.id).order_by(Score.sequence.desc())
    score = db.session.scalars(query.limit(1)).first()
    newest = max(
        registrations,
        key=lambda registration: registration.launched_at or registration.opened_at,
        default=None,
    )
    situation = situation_of(link, now)
    state = decide_learner_state(progress_of(grade, situation, newest, score))
    allowed = attempts_for(link.attempts_allowed, grade.further_attempts)
    course_id = newest.course_id if newest is not None else None
    return Cell(
        grade_id=grade.id,
        title=link.title or "SCORM activity",
        context=link.context_title or "",
        state=state,
        decision=last_word(grade.decision_reason, state),
        next_read_at=grade.next_read_at,
        next_send_at=grade.next_send_at,
        sent_at=sent_at_of(score),
        used=attempts_words(
            [one.attempt for one in registrations if one.course_id == course_id], allowed
        ),
        allowed=allowed,
        attempts=[_attempt(registration) for registration in registrations],
    )


def _registrations(grade: Grade) -> Iterator[Registration]:
    query = select(Registration).where(
        Registration.resource_link_id == grade.resource_link_id,
        Registration.learner_id == grade.learner_id,
    )
    yield from db.session.scalars(query.order_by(Registration.course_id, Registration.attempt))


def _attempt(registration: Registration) -> LearnerAttempt:
    return LearnerAttempt(
        row_id=registration.id,
        number=registration.attempt,
        registration_id=registration.registration_id,
        course_id=registration.course_id,
        progress=result_words(registration.completion, registration.success),
        score=registration.score_scaled,
        seconds=registration.seconds_tracked,
        launched_at=registration.launched_at,
        moments=tell_moments(registration),
    )
