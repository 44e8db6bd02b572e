"""Handle an exit or a postback: mark the grade as due, commit, wake a worker."""

from datetime import datetime, timedelta

from sqlalchemy import select, update

from ...core import correlation
from ...core.db import affected, db, insert_if_new, write
from ...registrations.grade_updates import (
    lock_grade_of,
    lock_grade_of_launch,
    mark_due,
    trail,
    wake,
    wake_for_event,
)
from ...registrations.models import Grade, Launch, Registration
from ...scorm_cloud.progress import Completion, Progress, Success
from ...services import Services
from ..models import SweepCursor
from ..pipeline.read_progress import announce

WAKE_AT_MOST_EVERY = timedelta(minutes=1)
POSTBACK_NOTED_EVERY = timedelta(hours=1)


def record_exit(services: Services, launch_id: int) -> bool:
    """Record a launch's exit; False when there is no such launch.

    Only the first call sets `exited_at`. Later ones wake a worker at most once a minute, and only
    after the exit is settled. Commits; succeeds also without the queue.
    """
    now = services.now()
    launch = lock_grade_of_launch(launch_id)
    if launch is None:
        db.session.rollback()
        return False
    correlation.follow(launch.correlation_id)
    first = update(Launch).where(Launch.id == launch_id, Launch.exited_at.is_(None))
    started = {"looks_from": now, "looks": 0, "history_looks": 0, "woken_at": now}
    again = update(Launch).where(
        Launch.id == launch_id,
        Launch.settled_at.is_not(None),
        Launch.woken_at < now - WAKE_AT_MOST_EVERY,
    )
    is_first = affected(db.session.execute(first.values(exited_at=now, settled_at=None, **started)))
    if is_first:
        text = "The learner left the course."
        trail(launch.registration_id, "exit", text, now, launch.correlation_id)
    elif not affected(db.session.execute(again.values(woken_at=now))):
        db.session.rollback()
        return True
    mark_due(launch.grade_id, "read", now)
    if launch.waits:
        wake_for_event(Grade.id == launch.grade_id, now)
    db.session.commit()
    if is_first:
        services.events.publish("exit")
    wake(services, launch.grade_id)
    return True


def record_postback(services: Services, registration_id: str, progress: Progress) -> None:
    """Mark a read as due if a postback reports a new result; its content is only a hint.

    Commits before it returns, so that a 2xx means that it is stored.
    """
    now = services.now()
    query = select(Registration).where(Registration.registration_id == registration_id)
    row = db.session.scalars(query).one_or_none()
    if row is None:
        db.session.rollback()
        return
    if not _decides_something(row, progress):
        _note_postbacks_work(row.scorm_account_id, now)
        db.session.commit()
        services.events.publish("postback", news="no")
        return
    grade_id = lock_grade_of(row.id)
    if grade_id is None:
        db.session.rollback()
        return
    _note_postbacks_work(row.scorm_account_id, now)
    _start_looks(row.id, announce(*progress.result), now)
    mark_due(grade_id, "read", now)
    trail(row.id, "postback", "SCORM Cloud announced a change.", now)
    db.session.commit()
    services.events.publish("postback", news="yes")
    wake(services, grade_id)


def _decides_something(row: Registration, progress: Progress) -> bool:
    """Tell whether a postback has a new result; progress without a result decides nothing."""
    if progress.result == (row.completion, row.success, row.score_scaled):
        return False
    undecided = progress.completion != Completion.COMPLETED and progress.success == Success.UNKNOWN
    return not undecided


def _start_looks(row_id: int, announced: str, now: datetime) -> None:
    """Look for the announced result: with the looks under way, or new ones."""
    newest = select(Launch.id, Launch.correlation_id).where(Launch.registration_id == row_id)
    found = db.session.execute(newest.order_by(Launch.id.desc()).limit(1)).first()
    if found is None:
        return
    correlation.follow(found.correlation_id)
    mine = update(Launch).where(Launch.id == found.id)
    under_way = mine.where(Launch.looks_from.is_not(None), Launch.settled_at.is_(None))
    if affected(db.session.execute(under_way.values(announced=announced))):
        return
    fresh = {"looks_from": now, "looks": 0, "history_looks": 0, "announced": announced}
    db.session.execute(mine.values(settled_at=None, **fresh))


def _note_postbacks_work(account_id: int, now: datetime) -> None:
    """Record that this account's postbacks arrive; written once an hour."""
    insert_if_new(db.session, SweepCursor, scorm_account_id=account_id)
    stale = SweepCursor.postbacks_seen_at.is_(None) | (
        SweepCursor.postbacks_seen_at < now - POSTBACK_NOTED_EVERY
    )
    write(
        update(SweepCursor)
        .where(SweepCursor.scorm_account_id == account_id, stale)
        .values(postbacks_seen_at=now)
    )
