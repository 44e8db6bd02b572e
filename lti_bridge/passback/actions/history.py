"""One registration's story in plain words, oldest first."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import select

from ...core.clock import say_time
from ...core.db import db
from ...lti.values import SCOPE_RESULT_READ
from ...registrations.models import Grade, Launch, Registration, TrailEvent
from ..models import Score, ScoreTry
from ..rules.score_states import UNCLEAR, UNREAD

Moment = tuple[datetime, str]


def tell(row: Registration, now: datetime) -> str:
    """Return who sits where, what happened and what is expected next."""
    lines = [*_heading(row), "", "What happened"]
    lines += [f"  {say_time(at)}  {text}" for at, text in tell_moments(row)]
    lines += ["", "How it stands", *(f"  {line}" for line in _standing(row, now))]
    return "\n".join(lines)


def tell_moments(row: Registration) -> list[Moment]:
    """Return what happened to a registration, oldest first."""
    moments = [*_trail(row), *_settled(row), *_tries(row)]
    return sorted(moments, key=lambda moment: moment[0])


def _heading(row: Registration) -> list[str]:
    link, learner = row.resource_link, row.learner
    name = " ".join(part for part in (learner.first_name, learner.last_name) if part)
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
        if attempt.outcome in (UNREAD, UNCLEAR):
            yield attempt.tried_at, f"Asked the LMS which grade it holds: {_answer(attempt)}"
        else:
            yield attempt.tried_at, f"Sent {score.score_given:g} to the LMS: {_answer(attempt)}"


def _answer(attempt: ScoreTry) -> str:
    if attempt.status is None:
        return f"{attempt.outcome or 'the outcome is not known'} (no answer)."
    took = f", {attempt.duration_ms} ms" if attempt.duration_ms is not None else ""
    answer = f"{attempt.outcome or 'answered'} ({attempt.status}{took})."
    if attempt.status >= 400 and attempt.excerpt:
        answer += f" The LMS said: {' '.join(attempt.excerpt.split())}"
    return answer


def _standing(row: Registration, now: datetime) -> Iterator[str]:
    score = "no score" if row.score_scaled is None else f"score {row.score_scaled:g} of 100"
    asked = f", read {say_time(row.progress_asked_at)}" if row.progress_asked_at else ""
    yield f"Progress: {row.completion.lower()}, {row.success.lower()}, {score}{asked}."
    query = select(Grade).where(
        Grade.resource_link_id == row.resource_link_id, Grade.learner_id == row.learner_id
    )
    grade = db.session.scalars(query).one_or_none()
    if grade is None:
        yield "There is no grade for it."
        return
    if grade.decision_reason:
        yield f"The policy says: {grade.decision_reason}"
    yield from _next_steps(row, grade, now)


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
