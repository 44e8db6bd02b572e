"""Small writes that every chapter above makes: due, awake, progress, trail."""

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
# Many launches of a class are no storm of tries.
EVENTS_APART = timedelta(minutes=10)
logger = logging.getLogger(__name__)
# Written beside every step of a launch: as a plain row, without an object of the ORM.
_ADD_TRAIL = insert(table_of(TrailEvent))


def lock_grades(grade_ids: Collection[int]) -> None:
    """Take the locks of grades before any other row of theirs, in the caller's transaction.

    A worker locks a Grade first, then its Registration, Launch and Scores. Whoever touches those
    and then the Grade would wait for a worker that waits for it: PostgreSQL ends such a pair by
    an error. SQLite has one lock for everything.
    """
    if db.engine.dialect.name != "postgresql":
        return
    # Populates nothing: only the lock is wanted.
    rows = select(Grade.id).where(Grade.id.in_(grade_ids)).order_by(Grade.id)
    db.session.execute(rows.with_for_update()).all()


def lock_where(condition: ColumnElement[bool]) -> list[int]:
    """Return the ids of the grades that a condition names, locked the same way, in one question."""
    rows = select(Grade.id).where(condition).order_by(Grade.id)
    if db.engine.dialect.name == "postgresql":
        rows = rows.with_for_update()
    return list(db.session.scalars(rows))


def lock_grade_of(registration: int) -> int | None:
    """Return the id of the Grade that a Registration's row belongs to, locked the same way.

    None when the learner was erased while we waited.
    """
    query = select(Grade.id).join(Registration, OF_SAME_GRADE)
    mine = query.where(Registration.id == registration)
    return db.session.scalar(mine.with_for_update(of=Grade))


def lock_grade_of_launch(launch_id: int) -> Row[int, bool, int, str] | None:
    """Return the Grade that a Launch belongs to, locked the same way; None when there is none.

    With `grade_id`, `waits` (its score waits for an event), and the Launch's `registration_id` and
    `correlation_id`.
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
    """Say in the caller's transaction that a grade needs a read or a send.

    A read is never put later than it stood; a send never earlier, because its time may be one
    that the LMS asked us to wait for. `generation` tells a worker in the middle of its work.
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
    """Say in the caller's transaction that the grades a condition names need a send.

    Never earlier than a time that lies ahead, and with one statement for all of them. The next
    round of a score that is parked or waits is no such time: nobody asked for it.
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
    """Say in the caller's transaction that the grades a condition names are sent at once.

    For a person, who has just mended what they waited for: no back-off holds them.
    """
    due = {"generation": Grade.generation + 1, "next_send_at": at, **values}
    statement = update(Grade).where(condition).values(due)
    write(statement)


def wake_for_event(condition: ColumnElement[bool], at: datetime) -> None:
    """Let parked and waiting scores of the grades that a condition names be tried again.

    In the caller's transaction. The first event since a score was parked makes it due at once,
    further ones at most once in ten minutes.
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
    """Wake a worker for a grade, after the commit; the row's own time serves when this fails."""
    try:
        services.queue.enqueue(WORK_TASK, grade_id)
    except Unavailable as error:
        logger.warning("grade %s waits for the overdue round: %s", grade_id, error)


def wake_all_for_event(condition: ColumnElement[bool], at: datetime) -> None:
    """Do as `wake_for_event` for many grades, locked in the order of all others."""
    waits = or_(Grade.parked_at.is_not(None), Grade.waits_for_line_item.is_(True))
    lock_where(and_(condition, waits))
    wake_for_event(condition, at)


def store_progress(
    registration: int, progress: Progress, asked_at: datetime, *, listed: bool = False
) -> bool:
    """Keep progress that was asked for at a moment; tells whether completion, success or score
    changed.

    One conditional UPDATE: an answer never overwrites one that was asked for later, unless SCORM
    Cloud itself calls it newer. An entry of a list (`listed`) may be older than what it is asked
    after: it counts only when SCORM Cloud calls it newer. Runs in the caller's transaction.
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
    """Return what an UPDATE sets besides when completion, success or score have changed."""
    completion, success, score = progress.result
    news: dict[str, object] = {
        "completion": completion,
        "success": success,
        "score_scaled": score,
        "progress_changed_at": asked_at,
    }
    if progress.completed_at is not None:  # the first time counts, whatever comes after a reset
        news["completed_at"] = func.coalesce(Registration.completed_at, progress.completed_at)
    if progress.outcome.is_real:
        higher = Registration.best_real_score > score
        return news | {"best_real_score": case((higher, Registration.best_real_score), else_=score)}
    return news | keep_real_score()


def _is_newer(progress: Progress) -> ColumnElement[bool]:
    """SCORM Cloud's own time says that this is newer than what the row holds."""
    if progress.updated_at is None:
        return false()
    return Registration.reported_at < literal(progress.updated_at, UtcDateTime())


def trail(
    registration: int, kind: str, text: str, at: datetime, correlation_id: str | None = None
) -> None:
    """Add one line to a registration's story, in the caller's transaction."""
    row = {"registration_id": registration, "kind": kind, "text": text, "at": at}
    db.session.connection().execute(_ADD_TRAIL, {**row, "correlation_id": correlation_id})
