"""One learner's history in one activity, for the console, the LMS pages and commands."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select

from ...core.clock import say_time
from ...core.db import db
from ...core.plain_text import full_name
from ...lti.values import SCOPE_RESULT_READ
from ...registrations.identity import attempts_for
from ...registrations.models import Grade, Launch, Registration, TrailEvent
from ...scorm_cloud.progress import Completion, Success
from ..learner_progress import progress_of
from ..learner_state import LearnerState, decide_learner_state, for_learner, last_word
from ..models import Score, ScoreTry
from ..result_words import attempts_words, minutes_of, result_words
from ..rules.score_states import ONLY_READ, TryOutcome
from .outlook import sent_at_of, situation_of

Moment = tuple[datetime, str]


@dataclass(frozen=True)
class AttemptStory:
    """One registration: its newest progress, and its history, oldest first."""

    row_id: int
    number: int
    registration_id: str
    course_id: str
    completion: Completion
    success: Success
    score: float | None
    seconds: float
    launched_at: datetime | None
    moments: Sequence[Moment]

    @property
    def minutes(self) -> int:
        """Time spent, in whole minutes."""
        return minutes_of(self.seconds)

    @property
    def result(self) -> str:
        """The reported completion and success, for staff."""
        return result_words(self.completion, self.success)


@dataclass(frozen=True)
class GradeStory:
    """One grade: its state, the reason, and its attempts by course and number.

    `last_look` is the newest look's result, if the state does not say it; `sent_at` is when an
    accepted score was posted; `allowed` is the learner's number of attempts, 0 for no limit;
    `course_id` is the most recently launched attempt's.
    """

    grade_id: int
    learner_id: int
    title: str
    context: str
    state: LearnerState
    last_look: str
    next_read_at: datetime | None
    next_send_at: datetime | None
    sent_at: datetime | None
    allowed: int
    course_id: str
    attempts: Sequence[AttemptStory]

    @property
    def used(self) -> str:
        """The number of attempts used in the course, in words."""
        mine = [one.number for one in self.attempts if one.course_id == self.course_id]
        return attempts_words(mine, self.allowed)

    def for_learner(self) -> "GradeStory":
        """Return the parts that the learner may read."""
        attempts = [replace(one, moments=()) for one in self.attempts]
        return replace(self, state=for_learner(self.state), attempts=attempts)


def tell_grade(grade: Grade, now: datetime, *, course_id: str | None = None) -> GradeStory:
    """Return a grade's history, for one course or all. Reads in the caller's transaction."""
    link = grade.resource_link
    chosen = select(Registration).where(
        Registration.resource_link_id == link.id, Registration.learner_id == grade.learner_id
    )
    scores = select(Score).where(Score.grade_id == grade.id)
    if course_id is not None:
        chosen = chosen.where(Registration.course_id == course_id)
        scores = scores.where(Score.course_id == course_id)
    order = Registration.course_id, Registration.attempt
    registrations = list(db.session.scalars(chosen.order_by(*order)))
    score = db.session.scalars(scores.order_by(Score.sequence.desc()).limit(1)).first()
    newest = max(registrations, key=lambda one: one.launched_at or one.opened_at, default=None)
    state = decide_learner_state(progress_of(grade, situation_of(link, now), newest, score))
    return GradeStory(
        grade_id=grade.id,
        learner_id=grade.learner_id,
        title=link.title or "SCORM activity",
        context=link.context_title or "",
        state=state,
        last_look=last_word(grade.decision_reason, state),
        next_read_at=grade.next_read_at,
        next_send_at=grade.next_send_at,
        sent_at=sent_at_of(score),
        allowed=attempts_for(link.attempts_allowed, grade.further_attempts),
        course_id=newest.course_id if newest is not None else "",
        attempts=[tell_attempt(one) for one in registrations],
    )


def tell_attempt(row: Registration) -> AttemptStory:
    """Return one registration's history. Reads in the caller's transaction."""
    return AttemptStory(
        row_id=row.id,
        number=row.attempt,
        registration_id=row.registration_id,
        course_id=row.course_id,
        completion=row.completion,
        success=row.success,
        score=row.score_scaled,
        seconds=row.seconds_tracked,
        launched_at=row.launched_at,
        moments=tell_moments(row),
    )


def tell(row: Registration, now: datetime) -> str:
    """Return a registration's whole history as text, for the command line."""
    lines = [*_heading(row), "", "What happened"]
    lines += [f"  {say_time(at)}  {text}" for at, text in tell_moments(row)]
    lines += ["", "How it stands", *(f"  {line}" for line in _standing(row, now))]
    return "\n".join(lines)


def tell_moments(row: Registration) -> list[Moment]:
    """Return the events of a registration, oldest first."""
    moments = [*_trail(row), *_settled(row), *_tries(row)]
    return sorted(moments, key=lambda moment: moment[0])


def _heading(row: Registration) -> list[str]:
    link, learner = row.resource_link, row.learner
    name = full_name(learner.first_name, learner.last_name)
    return [
        f"Registration {row.registration_id}",
        f"  learner   {name or 'name not kept'} (user {learner.sub} of {learner.platform.name})",
        f"  activity  {link.title or link.resource_link_id}"
        + (f", in {link.context_title}" if link.context_title else ""),
        f"  course    {row.course_id}, attempt {row.attempt}, account {row.account.name}",
    ]


def _trail(row: Registration) -> Iterator[Moment]:
    query = select(TrailEvent).where(TrailEvent.registration_id == row.id)
    for event in db.session.scalars(query.order_by(TrailEvent.id)):
        yield event.at, event.text


def _settled(row: Registration) -> Iterator[Moment]:
    query = select(Launch).where(Launch.registration_id == row.id)
    for launch in db.session.scalars(query):
        if launch.settled_at is not None:
            opened = say_time(launch.launched_at)
            yield launch.settled_at, f"The result of the launch of {opened} is known."


def _tries(row: Registration) -> Iterator[Moment]:
    query = select(ScoreTry, Score).join(Score, Score.id == ScoreTry.score_id)
    found = db.session.execute(query.where(Score.registration_id == row.id).order_by(ScoreTry.id))
    for attempt, score in found:
        at = max(attempt.tried_at, score.decided_at)  # a first try is stored with its decision
        if attempt.outcome in ONLY_READ:
            yield at, f"Asked the LMS which grade it holds: {_answer(attempt)}"
        else:
            yield at, f"Sent {score.score_given:g} to the LMS: {_answer(attempt)}"


def _answer(attempt: ScoreTry) -> str:
    said = attempt.outcome.label if isinstance(attempt.outcome, TryOutcome) else attempt.outcome
    if attempt.status is None:
        return f"{said or 'the outcome is not known'} (no answer)."
    took = f", {attempt.duration_ms} ms" if attempt.duration_ms is not None else ""
    answer = f"{said or 'it answered'} ({attempt.status}{took})."
    if attempt.status >= 400 and attempt.excerpt:
        answer += f" The LMS said: {' '.join(attempt.excerpt.split())}"
    return answer


def _standing(row: Registration, now: datetime) -> Iterator[str]:
    score = "no score" if row.score_scaled is None else f"score {row.score_scaled:g} of 100"
    asked = f", read {say_time(row.progress_asked_at)}" if row.progress_asked_at else ""
    yield f"Progress: {result_words(row.completion, row.success)}, {score}{asked}."
    query = select(Grade).where(
        Grade.resource_link_id == row.resource_link_id, Grade.learner_id == row.learner_id
    )
    grade = db.session.scalars(query).one_or_none()
    if grade is None:
        yield "There is no grade for it."
        return
    yield from _grade(row, grade, now)
    yield from _next_steps(row, grade, now)


def _grade(row: Registration, grade: Grade, now: datetime) -> Iterator[str]:
    story = tell_grade(grade, now, course_id=row.course_id)
    state = story.state
    ours = "" if state.score is None else f", {state.score:g} of 100"
    yield f"Grade: {state.label[:1].lower()}{state.label[1:]}{ours}. {state.detail}".rstrip()
    if state.held is not None:
        yield f"The LMS held {state.held:g} of 100 when it was read last."
    if story.sent_at is not None:
        yield f"Sent at {say_time(story.sent_at)}."
    if story.last_look:
        yield f"The last look said: {story.last_look}"
    yield f"{story.used}."


def _next_steps(row: Registration, grade: Grade, now: datetime) -> Iterator[str]:
    if not row.resource_link.line_item_url:
        yield "The LMS has not named a gradebook column for this activity."
    steps = ((grade.next_read_at, "look at SCORM Cloud"), (grade.next_send_at, "send to the LMS"))
    for at, what in steps:
        if at is not None:
            yield f"Next: {what}, " + ("now." if at <= now else f"at {say_time(at)}.")
    if grade.next_read_at is None and grade.next_send_at is None:
        yield "Nothing is due."
    granted = row.resource_link.service_scopes
    if granted is not None and SCOPE_RESULT_READ not in granted:
        yield "The LMS does not let the tool read results: grades set there cannot be seen."
