"""Process one grade: lease, read, decide, send, finish."""

import logging
import time
from collections.abc import Iterable

from ...core import correlation
from ...core.db import db
from ...core.leases import LeaseLost
from ...registrations.grade_updates import wake
from ...services import Services
from ..rules.plan import End, decide_aim
from ..rules.score_states import ScoreState
from .lease import GradeLease, take_lease
from .read_progress import Look, read_progress
from .record import Turn, finish
from .send_score import check_score, send_score
from .snapshot import load_snapshot
from .throttle import PlatformGate

# How long a thread continues with grades waiting for the same LMS, before it serves others.
TURN_SECONDS = 5.0
logger = logging.getLogger(__name__)


def work_grade(services: Services, gate: PlatformGate, grade_id: int) -> bool:
    """Process what is due for one grade; returns whether anything was due.

    Safe to run twice, in any process: only the lease holder writes, and a worker that lost its
    lease stops at its next write.
    """
    ends, worked = time.monotonic() + TURN_SECONDS, False
    try:
        worked = _work_one(services, gate, grade_id)
        # This thread uses the slot that it has freed: through the queue, the next grade's job might
        # go to another process whose own slots are taken.
        while time.monotonic() < ends and (called := gate.take_called()):
            for other in called[1:]:
                wake(services, other)
            _work_one(services, gate, called[0])
    finally:
        wake_called(services, gate.take_called())
    return worked


def wake_called(services: Services, called: Iterable[int]) -> None:
    """Enqueue the grades that were called to a free slot."""
    for grade_id in called:
        wake(services, grade_id)


def _work_one(services: Services, gate: PlatformGate, grade_id: int) -> bool:
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
            gate.pass_on(grade_id)
    return lease is not None


def _claim(services: Services, gate: PlatformGate, grade_id: int) -> GradeLease | None:
    """Lease the grade, unless it needs only a slot for its platform and none is free.

    In that case the lease is rolled back and the row stays due. The gate remembers the grade and
    calls it when a slot is freed; meanwhile this thread serves other platforms.
    """
    lease = take_lease(services, grade_id)
    if lease is None or lease.read_due or not gate.waits(lease.platform_id, grade_id):
        return lease
    db.session.rollback()
    return None


def _work(services: Services, gate: PlatformGate, lease: GradeLease) -> None:
    """Read if due, decide once, and send. Steps without a call between them share a transaction.

    A postponed send stays postponed: only scores that are due or newly decided are sent.
    """
    snapshot = load_snapshot(services, lease.grade_id)
    look: Look | None = None
    if lease.read_due:
        lease, snapshot, look = read_progress(services, lease, snapshot)
    aim = decide_aim(snapshot, services.now(), retries=lease.send_due)
    turn = Turn(lease, snapshot, look, aim)
    if aim.check is not None:
        check_score(services, gate, turn)
    elif not aim.sends or (aim.score is not None and not lease.send_due):
        finish(services, turn)
    elif _is_put_off(turn):
        finish(services, turn, End(ScoreState.QUEUED, aim.reason, lease.next_send_at))
    else:
        send_score(services, gate, turn)


def _is_put_off(turn: Turn) -> bool:
    """Tell whether the LMS or a back-off postponed the send; waiting for an event is neither."""
    lease, snapshot = turn.lease, turn.snapshot
    waits = snapshot.parked_at is not None or snapshot.waits
    return lease.next_send_at is not None and not lease.send_due and not waits
