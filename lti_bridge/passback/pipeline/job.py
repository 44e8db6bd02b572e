"""One grade's work: lease, read, decide, send, finish."""

import logging
import time

from ...core import correlation
from ...core.db import db
from ...core.leases import LeaseLost
from ...registrations.grade_updates import WORK_TASK
from ...services import Services
from .decide_score import decide_grade
from .lease import GradeLease, finish, hold, take_lease
from .read_progress import read_progress
from .send_score import send_queued
from .snapshot import load_snapshot
from .throttle import PlatformGate

SHORT_WAITS, SHORT_WAIT_SECONDS = 3, 0.05
logger = logging.getLogger(__name__)


def work_grade(services: Services, gate: PlatformGate, grade_id: int) -> bool:
    """Do what is due for one grade; tells whether there was anything to do.

    Safe to run twice, from anywhere: only the holder of the lease writes, and a worker that lost
    its lease stops at its next write.
    """
    with correlation.story():
        try:
            lease = _claim(services, gate, grade_id)
            if lease is not None:
                _work(services, gate, lease)
        except LeaseLost:
            logger.info("grade %s is worked by another worker now", grade_id)
            return True
        finally:
            db.session.rollback()
    return lease is not None


def _claim(services: Services, gate: PlatformGate, grade_id: int) -> GradeLease | None:
    """Claim the grade, unless all that it needs is a place at a platform that has none free.

    Then nothing was written: the lease is undone, and the row stays due. A place that comes in a
    moment is waited for; for any other the job comes back, and the thread serves other platforms.
    """
    for _ in range(SHORT_WAITS):
        lease = take_lease(services, grade_id)
        if lease is None or lease.read_due:
            return lease
        wait = gate.find_turn(lease.platform_id)
        if not wait:
            return lease
        db.session.rollback()
        if wait > SHORT_WAIT_SECONDS:
            break
        time.sleep(wait)
    services.queue.enqueue_later(WORK_TASK, grade_id, wait)
    return None


def _work(services: Services, gate: PlatformGate, lease: GradeLease) -> None:
    """Read, decide, send. What needs no call in between is one transaction."""
    if lease.read_due:
        db.session.commit()
        snapshot = load_snapshot(lease.grade_id, services.now())
        db.session.commit()
        read_progress(services, lease, snapshot)
        hold(services, lease)
    snapshot = decide_grade(services, lease)
    if lease.next_send_at is not None and lease.next_send_at <= services.now():
        send_queued(services, lease, gate, snapshot)
    else:
        finish(services, lease)
