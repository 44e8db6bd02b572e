"""One registration's story in plain words, oldest first."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import select

from ...core.clock import say_time
from ...core.db import db
from ...core.plain_text import full_name
from ...lti.values import SCOPE_RESULT_READ
from ...registrations.identity import attempts_for
from ...registrations.models import Grade, Launch, Registration, TrailEvent
from ..learner_progress import progress_of
from ..learner_state import decide_learner_state, last_word
from ..learner_words import attempts_words, result_words
from ..models import Score, ScoreTry
from ..rules.score_states import ReadTry
from .outlook import sent_at_of, situation_of

# What came of a try, for people: its row keeps the name of the answer's kind.
OUTCOMES = {
    "accepted": "accepted",
    "trylater": "not now, it is tried again",
    "reauthorize": "it asks for a new access token",
    "compareresult": "it has a newer or equal time, and is asked which grade it holds",
    "superseded": "another grade stands",
    "scorerejected": "it refused",
    ReadTry.UNREAD: "it refused",
    ReadTry.UNCLEAR: "it did not say clearly",
}
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
        at = max(attempt.tried_at, score.decided_at)  # a first try is written with its decision
        if attempt.outcome in (ReadTry.UNREAD, ReadTry.UNCLEAR):
            yield at, f"Asked the LMS which grade it holds: {_answer(attempt)}"
        else:
            yield at, f"Sent {score.score_given:g} to the LMS: {_answer(attempt)}"


def _answer(attempt: ScoreTry) -> str:
    said = OUTCOMES.get(attempt.outcome or "", attempt.outcome)
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
    query = select(Score).where(Score.grade_id == grade.id, Score.course_id == row.course_id)
    score = db.session.scalars(query.order_by(Score.sequence.desc()).limit(1)).first()
    situation = situation_of(row.resource_link, now)
    state = decide_learner_state(progress_of(grade, situation, row, score))
    ours = "" if state.score is None else f", {state.score:g} of 100"
    yield f"Grade: {state.label[:1].lower()}{state.label[1:]}{ours}. {state.detail}".rstrip()
    if state.held is not None:
        yield f"The LMS held {state.held:g} of 100 when it was read last."
    sent_at = sent_at_of(score)
    if sent_at is not None:
        yield f"Sent at {say_time(sent_at)}."
    if said := last_word(grade.decision_reason, state):
        yield f"The last look said: {said}"
    allowed = attempts_for(row.resource_link.attempts_allowed, grade.further_attempts)
    yield f"{attempts_words([row.attempt], allowed)}."


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
