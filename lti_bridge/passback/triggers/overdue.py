"""The overdue round: every worker looks for grades whose time has come and that nobody woke."""

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
    """Run one round, and more as long as they are full: a backlog shall not wait for the clock.

    The next round waits until the queue is nearly empty, so that it never holds a row for long,
    and gives up after the usual time between two rounds.
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
        except Unavailable:  # without a queue the round has worked its rows itself
            return True
        time.sleep(LOOK_SECONDS)
    return False


def run_overdue_round(services: Services, work: Callable[[int], object]) -> int:
    """Wake the grades that are due, at most N, in turns by platform; returns how many.

    Works them here, one after another, when the queue cannot be reached.
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
    """Return due and free grades, one platform after the other in turns."""
    now, most = services.now(), services.settings.passback.overdue_round_rows
    free = none_or_past(Grade.lease_until, now)
    # One question for each index: asked for either, SQLite would rather read every grade.
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
    """Due, and not woken lately since it fell due: a wake-up gets a minute to be acted upon.

    A lease that ran out is a worker that died or froze: only a wake-up after its end counts.
    """
    woken = and_(
        Grade.woken_at >= due_at,
        Grade.woken_at > now - WOKEN_FOR,
        or_(Grade.lease_until.is_(None), Grade.woken_at >= Grade.lease_until),
    )
    return and_(due_at <= now, or_(Grade.woken_at.is_(None), ~woken))
