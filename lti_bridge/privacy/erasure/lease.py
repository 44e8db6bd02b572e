"""Leases on a learner's rows during an erasure, which keep workers and launches away."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from ...core.db import db
from ...core.leases import Leases, outlasting
from ...registrations.grade_updates import lock_where
from ...registrations.models import GRADE, REGISTRATION, Grade, Learner
from ...services import Services
from ..models import Erasure, ErasureState

LEASE = timedelta(seconds=60)
BUSY = "A grade of this learner is just being worked on."
OF_WORK = "learner_id", "scorm_learner_id", "platform_id", "ours_anyway", "tries", "asked_by"
_ERASURE = Erasure.__table__
LEASES = Leases(
    _ERASURE,
    _ERASURE.c.state == ErasureState.OPEN,
    sets={"tries": _ERASURE.c.tries + 1},
    returning=OF_WORK,
)
# Leases on each kind of row, under the token of the erasure.
GRADES = Leases(GRADE, key="learner_id")
REGISTRATIONS = Leases(
    REGISTRATION, key="learner_id", token="create_lease_token", until="create_lease_until"
)


class GradesBusy(Exception):
    """A worker or a launch holds a lease on a grade or registration, until `until`."""

    def __init__(self, until: datetime) -> None:
        super().__init__(BUSY)
        self.until = until


@dataclass(frozen=True)
class Work:
    """A leased erasure. `learner_id` is None when our rows are deleted already."""

    erasure_id: int
    token: str
    learner_id: int | None
    scorm_learner_id: str
    platform_id: int
    ours_anyway: bool
    tries: int
    asked_by: str


def take(services: Services, erasure_id: int) -> Work | None:
    """Lease an open erasure; None when it is finished or leased by another worker. Commits."""
    lease = LEASES.take(erasure_id, services.now(), LEASE)
    db.session.commit()
    if lease is None:
        return None
    row = lease.row
    return Work(
        erasure_id=erasure_id,
        token=lease.token,
        learner_id=row.learner_id,
        scorm_learner_id=row.scorm_learner_id or "",
        platform_id=row.platform_id,
        ours_anyway=row.ours_anyway,
        tries=row.tries,
        asked_by=row.asked_by,
    )


def hold(services: Services, work: Work, call_seconds: float = 0.0, *, last: bool = False) -> None:
    """Extend all leases past the call that follows, in the caller's transaction.

    Locks in the order of workers: grades, learner (with `last`, to block launches), registrations.
    Raises LeaseLost or GradesBusy after a rollback.
    """
    now, life = services.now(), outlasting(call_seconds, LEASE)
    LEASES.extend(work.erasure_id, work.token, now + life)
    if work.learner_id is None:
        return
    lock_where(Grade.learner_id == work.learner_id)
    _raise_if_busy(GRADES.take_all(work.learner_id, now, life, work.token))
    if last:
        query = select(Learner.id).where(Learner.id == work.learner_id)
        db.session.scalars(query.with_for_update()).all()
    # A launch in progress would create its registration after our deletion.
    _raise_if_busy(REGISTRATIONS.take_all(work.learner_id, now, life, work.token))


def release(work: Work) -> None:
    """Release all leases, in the caller's transaction."""
    if work.learner_id is not None:
        lock_where(Grade.learner_id == work.learner_id)
        GRADES.release(work.learner_id, work.token)
        REGISTRATIONS.release(work.learner_id, work.token)
    LEASES.release(work.erasure_id, work.token)


def _raise_if_busy(until: datetime | None) -> None:
    if until is not None:
        db.session.rollback()
        raise GradesBusy(until)
