"""Writes that several chapters share: mark grades due, wake workers, store progress."""

import logging
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import (
    ColumnElement,
    Row,
    and_,
    case,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from ..core.db import UtcDateTime, affected, db, table_of, write
from ..core.errors import Unavailable
from ..scorm_cloud.progress import Progress
from ..services import Services
from .kept_outcomes import keep_real_score
from .models import OF_SAME_GRADE, Grade, Launch, Registration, TrailEvent

What = Literal["read", "send"]
WORK_TASK = "passback.work"
# Limits retries when a whole class launches.
EVENTS_APART = timedelta(minutes=10)
logger = logging.getLogger(__name__)
# Written at every step of a launch, so as a plain row: faster than an ORM object.
_ADD_TRAIL = insert(table_of(TrailEvent))


def lock_grades(grade_ids: Collection[int]) -> None:
    """Lock grades before changing their other rows, in the caller's transaction.

    A worker locks a Grade first, then its Registration, Launch and Scores. Locking in another
    order could deadlock with it, which PostgreSQL ends with an error. SQLite has a single lock.
    """
    if db.engine.dialect.name != "postgresql":
        return
    # Loads no objects: only the locks matter.
    rows = select(Grade.id).where(Grade.id.in_(grade_ids)).order_by(Grade.id)
    db.session.execute(rows.with_for_update()).all()


def lock_where(condition: ColumnElement[bool]) -> list[int]:
    """Lock the grades that match a condition, in one statement; returns their ids."""
    rows = select(Grade.id).where(condition).order_by(Grade.id)
    if db.engine.dialect.name == "postgresql":
        rows = rows.with_for_update()
    return list(db.session.scalars(rows))


def lock_grade_of(registration: int) -> int | None:
    """Lock the Grade of a Registration's row and return its id.

    None when the learner was erased in the meantime.
    """
    query = select(Grade.id).join(Registration, OF_SAME_GRADE)
    mine = query.where(Registration.id == registration)
    return db.session.scalar(mine.with_for_update(of=Grade))


def lock_grade_of_launch(launch_id: int) -> Row[int, bool, int, str] | None:
    """Lock the Grade of a Launch and return a row about it; None when there is none.

    The row has `grade_id`, `waits` (its score waits for an event), and the Launch's
    `registration_id` and `correlation_id`.
    """
    query = (
        select(
            Grade.id.label("grade_id"),
            or_(Grade.parked_at.is_not(None), Grade.waits_for_line_item).label("waits"),
            Launch.registration_id,
            Launch.correlation_id,
        )
        .join(Registration, OF_SAME_GRADE)
        .join(Launch, Launch.registration_id == Registration.id)
        .where(Launch.id == launch_id)
        .with_for_update(of=Grade)
    )
    return db.session.execute(query).one_or_none()


def mark_due(grade_id: int, what: What, at: datetime) -> None:
    """Mark a grade as due for a read or a send, in the caller's transaction.

    Never delays a read, and never makes a send earlier: the LMS may have asked for that delay. The
    new `generation` tells a worker that holds the grade about the change.
    """
    if what == "send":
        mark_all_due(Grade.id == grade_id, at=at)
        return
    values: dict[str, object] = {"generation": Grade.generation + 1}
    earlier = and_(Grade.next_read_at.is_not(None), Grade.next_read_at < at)
    moment = literal(at, UtcDateTime())
    values["next_read_at"] = case((earlier, Grade.next_read_at), else_=moment)
    db.session.execute(update(Grade).where(Grade.id == grade_id).values(values))


def mark_all_due(condition: ColumnElement[bool], *, at: datetime) -> None:
    """Mark all grades that match a condition as due for a send, in the caller's transaction.

    Never earlier than a time already set: a Retry-After or back-off. The next automatic try of a
    parked or waiting score is no such limit.
    """
    imposed = and_(Grade.parked_at.is_(None), Grade.waits_for_line_item.is_(False))
    later = and_(Grade.next_send_at.is_not(None), Grade.next_send_at > at, imposed)
    moment = literal(at, UtcDateTime())
    values: dict[str, object] = {
        "generation": Grade.generation + 1,
        "next_send_at": case((later, Grade.next_send_at), else_=moment),
    }
    statement = update(Grade).where(condition).values(values)
    write(statement)


def send_now(condition: ColumnElement[bool], at: datetime, **values: object) -> None:
    """Make all grades that match a condition send at once, in the caller's transaction.

    For a person who has just fixed the cause: no back-off applies.
    """
    due = {"generation": Grade.generation + 1, "next_send_at": at, **values}
    statement = update(Grade).where(condition).values(due)
    write(statement)


def wake_for_event(condition: ColumnElement[bool], at: datetime) -> None:
    """Let parked and waiting scores that match a condition be tried again after an event.

    In the caller's transaction. The first event since a score was parked makes it due at once,
    further ones at most once in EVENTS_APART.
    """
    waits = or_(Grade.parked_at.is_not(None), Grade.waits_for_line_item.is_(True))
    recent = and_(Grade.event_at.is_not(None), Grade.event_at > at - EVENTS_APART)
    soon = literal(at + EVENTS_APART, UtcDateTime())
    sooner = and_(Grade.next_send_at.is_not(None), Grade.next_send_at < soon)
    values: dict[str, object] = {
        "generation": Grade.generation + 1,
        "next_send_at": case(
            (and_(recent, sooner), Grade.next_send_at),
            (recent, soon),
            else_=literal(at, UtcDateTime()),
        ),
        "event_at": case((recent, Grade.event_at), else_=literal(at, UtcDateTime())),
        "line_item_looks": 0,
    }
    statement = update(Grade).where(condition, waits).values(values)
    write(statement)


def wake(services: Services, grade_id: int) -> None:
    """Wake a worker for a grade, after the commit; best effort, the row's time is a fallback."""
    try:
        services.queue.enqueue(WORK_TASK, grade_id)
    except Unavailable as error:
        logger.warning("grade %s waits for the overdue round: %s", grade_id, error)


def wake_all_for_event(condition: ColumnElement[bool], at: datetime) -> None:
    """Like `wake_for_event` for many grades; locks them first, in the usual order."""
    waits = or_(Grade.parked_at.is_not(None), Grade.waits_for_line_item.is_(True))
    lock_where(and_(condition, waits))
    wake_for_event(condition, at)


def store_progress(
    registration: int, progress: Progress, asked_at: datetime, *, listed: bool = False
) -> bool:
    """Store progress that was requested at `asked_at`; tells whether the result changed.

    One conditional UPDATE: progress never overwrites progress requested later, unless SCORM
    Cloud's own time is newer. List entries (`listed`) may be stale, so for them only SCORM Cloud's
    time counts. Runs in the caller's transaction.
    """
    later = or_(
        Registration.progress_asked_at.is_(None), Registration.progress_asked_at <= asked_at
    )
    newer = _is_newer(progress)
    fits = or_(later, newer) if not listed else or_(Registration.reported_at.is_(None), newer)
    mine = and_(Registration.id == registration, fits)
    completion, success, score = progress.result
    differs = or_(
        Registration.completion != completion,
        Registration.success != success,
        Registration.score_scaled.is_distinct_from(score),
    )
    moment = literal(asked_at, UtcDateTime())
    values: dict[str, object] = {
        "seconds_tracked": progress.seconds,
        "progress_asked_at": case((later, moment), else_=Registration.progress_asked_at),
    }
    if progress.updated_at is not None:
        values["reported_at"] = progress.updated_at
    news = values | _news(progress, asked_at)
    changed = affected(db.session.execute(update(Registration).where(mine, differs).values(news)))
    if not changed:
        db.session.execute(update(Registration).where(mine).values(values))
    return changed == 1


def _news(progress: Progress, asked_at: datetime) -> dict[str, object]:
    """Return the columns to update when completion, success or score have changed."""
    completion, success, score = progress.result
    news: dict[str, object] = {
        "completion": completion,
        "success": success,
        "score_scaled": score,
        "progress_changed_at": asked_at,
    }
    if progress.completed_at is not None:  # the first time stays, also after a reset
        news["completed_at"] = func.coalesce(Registration.completed_at, progress.completed_at)
    if progress.outcome.is_real:
        higher = Registration.best_real_score > score
        return news | {"best_real_score": case((higher, Registration.best_real_score), else_=score)}
    return news | keep_real_score()


def _is_newer(progress: Progress) -> ColumnElement[bool]:
    """Return the condition that SCORM Cloud's time of this progress is newer than the row's."""
    if progress.updated_at is None:
        return false()
    return Registration.reported_at < literal(progress.updated_at, UtcDateTime())


def trail(
    registration: int, kind: str, text: str, at: datetime, correlation_id: str | None = None
) -> None:
    """Add an entry to a registration's history, in the caller's transaction."""
    row = {"registration_id": registration, "kind": kind, "text": text, "at": at}
    db.session.connection().execute(_ADD_TRAIL, {**row, "correlation_id": correlation_id})
