"""The lease on a grade, and the detection of changes while a worker holds it.

The generation counts changes that made a grade due. When it has moved at the end of the work,
the new due times are kept. The lease itself follows `core/leases.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_

from ...core.db import db
from ...core.leases import NOTHING, NOW, Leases, outlasting, raise_lost
from ...registrations.grade_updates import WORK_TASK, wake
from ...registrations.models import GRADE
from ...services import Services

# Looks within this time are scheduled in this process; the overdue round finds the others.
CLOSE_SECONDS = 120.0


@dataclass(frozen=True)
class GradeLease:
    """A worker's lease on a grade, and what was due when it was taken."""

    grade_id: int
    platform_id: int
    token: str
    until: datetime
    generation: int
    read_due: bool
    send_due: bool
    next_read_at: datetime | None
    next_send_at: datetime | None


@dataclass(frozen=True)
class Return:
    """The grade's values at the end of a lease: its next times and further columns.

    `not_before` is a wait imposed by the LMS or a timestamp, which changes made meanwhile do not
    shorten. `answered` is written only if nothing has changed meanwhile.
    """

    next_read_at: datetime | None
    next_send_at: datetime | None
    not_before: datetime | None
    values: Mapping[str, object]
    answered: Mapping[str, object]


LEASES = Leases(
    GRADE,
    or_(GRADE.c.next_read_at <= NOW, GRADE.c.next_send_at <= NOW),
    returning=("platform_id", "generation", "next_read_at", "next_send_at"),
)


def take_lease(services: Services, grade_id: int) -> GradeLease | None:
    """Lease a grade that is due and free; None when it is not.

    On success the transaction stays open, with the grade's row locked; the caller commits before
    any HTTP call. Otherwise it is rolled back.
    """
    now = services.now()
    life = timedelta(seconds=services.settings.passback.claim_lease_seconds)
    lease = LEASES.take(grade_id, now, life)
    if lease is None:
        db.session.rollback()
        return None
    row = lease.row
    return GradeLease(
        grade_id=grade_id,
        platform_id=row.platform_id,
        token=lease.token,
        until=lease.until,
        generation=row.generation,
        read_due=row.next_read_at is not None and row.next_read_at <= now,
        send_due=row.next_send_at is not None and row.next_send_at <= now,
        next_read_at=row.next_read_at,
        next_send_at=row.next_send_at,
    )


def outlast(services: Services, lease: GradeLease, call_seconds: float) -> GradeLease:
    """Return the lease, extended if it would end during the next call; commits in any case.

    Raises LeaseLost.
    """
    if lease.until < services.now() + outlasting(call_seconds):
        lease = hold(services, lease, call_seconds)
    db.session.commit()
    return lease


def hold(
    services: Services,
    lease: GradeLease,
    call_seconds: float = 0.0,
    *,
    answered: Mapping[str, object] = NOTHING,
    **values: Any,
) -> GradeLease:
    """Extend the lease past the next call, and write columns of the grade's row.

    `answered` is written only if nothing has changed since the lease was taken.

    In the caller's transaction, before any other write: the grade is locked before its other rows.
    Raises LeaseLost, after a rollback of all writes, when the lease is lost.
    """
    least = timedelta(seconds=services.settings.passback.claim_lease_seconds)
    until = services.now() + outlasting(call_seconds, least)
    mine, both = (lease.grade_id, lease.token), {**values, **answered, "lease_until": until}
    if not answered or not LEASES.write(*mine, both, generation=lease.generation):
        LEASES.extend(*mine, until, values)
    return replace(lease, until=until)


def give_back(services: Services, lease: GradeLease, back: Return) -> bool:
    """Release the grade with its next times, in one statement of the caller's transaction.

    Returns True when the generation has moved meanwhile: then the new read time is kept, and a send
    is due at once, but not before `not_before`. Raises LeaseLost, after a rollback, when the lease
    is lost.
    """
    planned = {**back.values, "next_read_at": back.next_read_at, "next_send_at": back.next_send_at}
    planned |= back.answered
    mine = lease.grade_id, lease.token
    if LEASES.release(*mine, planned, generation=lease.generation):
        return False
    now = services.now()
    if not LEASES.release(*mine, {**back.values, "next_send_at": max(now, back.not_before or now)}):
        raise_lost()
    return True


def wake_next(services: Services, lease: GradeLease, back: Return, moved: bool) -> None:
    """After the commit: wake a worker for new work, or schedule a look that is due soon."""
    times = [moment for moment in (back.next_read_at, back.next_send_at) if moment is not None]
    wait = (min(times) - services.now()).total_seconds() if times else CLOSE_SECONDS
    if moved or wait <= 0:
        wake(services, lease.grade_id)
    elif wait < CLOSE_SECONDS:
        services.queue.enqueue_later(WORK_TASK, lease.grade_id, wait)
