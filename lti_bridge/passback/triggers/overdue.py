"""The overdue round: every worker wakes grades that are due and were not woken."""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select, union, update
from sqlalchemy.orm import InstrumentedAttribute

from ...core.db import db, reading, write
from ...core.errors import Unavailable
from ...core.leases import none_or_past
from ...registrations.grade_updates import WORK_TASK, lock_grades
from ...registrations.models import Grade
from ...services import Services

WOKEN_FOR = timedelta(seconds=60)
LOOK_SECONDS = 0.05
logger = logging.getLogger(__name__)


def run_overdue_rounds(services: Services, work: Callable[[int], object]) -> None:
    """Run one round, and further ones while they are full, so that a backlog is worked at once.

    Waits between rounds until the queue is nearly empty, so that rows are not queued for long, but
    no longer than the usual interval.
    """
    most = services.settings.passback.overdue_round_rows
    while run_overdue_round(services, work) >= most and _is_worked_off(services, most // 4):
        pass


def _is_worked_off(services: Services, left: int) -> bool:
    ends = time.monotonic() + services.settings.passback.overdue_round_seconds
    while time.monotonic() < ends:
        try:
            if services.queue.size() <= left:
                return True
        except Unavailable:  # without a queue the round has done the work itself
            return True
        time.sleep(LOOK_SECONDS)
    return False


def run_overdue_round(services: Services, work: Callable[[int], object]) -> int:
    """Wake due grades, alternating between platforms, up to a limit; returns how many.

    Works them in this thread when the queue is unreachable.
    """
    chosen = _choose(services)
    if not chosen:
        return 0
    lock_grades(chosen)
    statement = update(Grade).where(Grade.id.in_(chosen)).values(woken_at=services.now())
    write(statement)
    db.session.commit()
    for number, grade_id in enumerate(chosen):
        try:
            services.queue.enqueue(WORK_TASK, grade_id)
        except Unavailable as error:
            logger.warning("%s; this worker does the round's work itself", error)
            for waiting in chosen[number:]:
                work(waiting)
            break
    return len(chosen)


def _choose(services: Services) -> list[int]:
    """Return due grades without a lease, alternating between platforms."""
    now, most = services.now(), services.settings.passback.overdue_round_rows
    free = none_or_past(Grade.lease_until, now)
    # A query per index: SQLite would scan all grades for a condition on both.
    due = union(
        *(
            select(Grade.id, Grade.platform_id).where(_waits(due_at, now), free)
            for due_at in (Grade.next_read_at, Grade.next_send_at)
        )
    ).subquery()
    turn = func.row_number().over(partition_by=due.c.platform_id, order_by=due.c.id)
    ranked = select(due.c.id, turn.label("turn")).subquery()
    query = select(ranked.c.id).order_by(ranked.c.turn, ranked.c.id).limit(most)
    with reading():
        return list(db.session.scalars(query))


def _waits(due_at: InstrumentedAttribute[datetime | None], now: datetime) -> ColumnElement[bool]:
    """Return the condition for due grades that were not woken in the last minute.

    An expired lease means a crashed or frozen worker: only a wake-up after its end counts.
    """
    woken = and_(
        Grade.woken_at >= due_at,
        Grade.woken_at > now - WOKEN_FOR,
        or_(Grade.lease_until.is_(None), Grade.woken_at >= Grade.lease_until),
    )
    return and_(due_at <= now, or_(Grade.woken_at.is_(None), ~woken))
