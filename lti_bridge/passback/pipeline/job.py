"""One grade's work: claim, read, decide, send, finish."""

import logging
import time

from ...core import correlation
from ...core.db import db
from ...registrations.grade_updates import WORK_TASK
from ...services import Services
from .decide_score import decide_grade
from .lease import Fenced, GradeLease, finish, hold, take_lease
from .read_progress import read_progress
from .send_score import send_queued
from .snapshot import load_snapshot
from .throttle import PlatformGate

SHORT_WAITS, SHORT_WAIT_SECONDS = 3, 0.05
logger = logging.getLogger(__name__)


def work_grade(services: Services, gate: PlatformGate, grade_id: int) -> bool:
    """Do what is due for one grade; tells whether there was anything to do.

    Safe to run twice, from anywhere: only the holder of the claim writes, and a worker that lost
    its lease stops at its next write.
    """
    with correlation.story():
        try:
            claim = _claim(services, gate, grade_id)
            if claim is not None:
                _work(services, gate, claim)
        except Fenced:
            logger.info("grade %s is worked by another worker now", grade_id)
            return True
        finally:
            db.session.rollback()
    return claim is not None


def _claim(services: Services, gate: PlatformGate, grade_id: int) -> GradeLease | None:
    """Claim the grade, unless all that it needs is a place at a platform that has none free.

    Then nothing was written: the claim is undone, and the row stays due. A place that comes in a
    moment is waited for; for any other the job comes back, and the thread serves other platforms.
    """
    for _ in range(SHORT_WAITS):
        claim = take_lease(services, grade_id)
        if claim is None or claim.read_due:
            return claim
        wait = gate.find_turn(claim.platform_id)
        if not wait:
            return claim
        db.session.rollback()
        if wait > SHORT_WAIT_SECONDS:
            break
        time.sleep(wait)
    services.queue.enqueue_later(WORK_TASK, grade_id, wait)
    return None


def _work(services: Services, gate: PlatformGate, claim: GradeLease) -> None:
    """Read, decide, send. What needs no call in between is one transaction."""
    if claim.read_due:
        db.session.commit()
        case = load_snapshot(claim.grade_id, services.now())
        db.session.commit()
        read_progress(services, claim, case)
        hold(services, claim)
    case = decide_grade(services, claim)
    if claim.next_send_at is not None and claim.next_send_at <= services.now():
        send_queued(services, claim, gate, case)
    else:
        finish(services, claim)
