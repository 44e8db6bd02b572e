"""The lease on a grade: one worker at a time, a lease that ends, a token that fences the rest."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import Table, bindparam, or_, update

from ...core.db import db, update_rows
from ...core.leases import LeaseLost
from ...registrations.grade_updates import wake
from ...registrations.models import Grade
from ...services import Services

# A lease is extended by this much past the deadline of the call that follows.
CALL_MARGIN = timedelta(seconds=10)


@dataclass
class GradeLease:
    """What one worker holds of a grade, and what the grade's next times will be."""

    grade_id: int
    platform_id: int
    token: str
    generation: int
    read_due: bool
    send_due: bool
    next_read_at: datetime | None
    next_send_at: datetime | None
    # A wait that the LMS or a timestamp imposed in this lease: nothing may send before it.
    not_before: datetime | None = None
    # Written when the grade is given back, and what the next `hold` must write already.
    values: dict[str, object] = field(default_factory=dict)
    at_once: dict[str, object] = field(default_factory=dict)
    moved: bool = False  # something happened while we worked: somebody must look again

    def send_at(self, moment: datetime) -> None:
        """Send at a moment that this lease has learnt to be the first possible one."""
        self.next_send_at = self.not_before = moment


GRADE = cast(Table, Grade.__table__)
_CLAIM = (
    update(GRADE)
    .where(
        GRADE.c.id == bindparam("grade_id"),
        or_(GRADE.c.next_read_at <= bindparam("now"), GRADE.c.next_send_at <= bindparam("now")),
        or_(GRADE.c.lease_until.is_(None), GRADE.c.lease_until <= bindparam("now")),
    )
    .values(lease_token=bindparam("token"), lease_until=bindparam("until"))
    .returning(GRADE.c.platform_id, GRADE.c.generation, GRADE.c.next_read_at, GRADE.c.next_send_at)
)


def take_lease(services: Services, grade_id: int) -> GradeLease | None:
    """Take a grade that is due and free; None when it is not, or somebody else has it.

    The transaction stays the caller's, who has the grade's lock in it and commits before any
    call; without a lease it has ended.
    """
    now = services.now()
    token = secrets.token_hex(16)
    until = now + timedelta(seconds=services.settings.passback.claim_lease_seconds)
    values = {"grade_id": grade_id, "now": now, "token": token, "until": until}
    row = db.session.connection().execute(_CLAIM, values).first()
    if row is None:
        db.session.rollback()
        return None
    return GradeLease(
        grade_id=grade_id,
        platform_id=row.platform_id,
        token=token,
        generation=row.generation,
        read_due=row.next_read_at is not None and row.next_read_at <= now,
        send_due=row.next_send_at is not None and row.next_send_at <= now,
        next_read_at=row.next_read_at,
        next_send_at=row.next_send_at,
    )


def hold(services: Services, lease: GradeLease, call_seconds: float = 0.0) -> None:
    """Extend the lease past the call that follows, in the caller's transaction.

    Raises LeaseLost (after a rollback) when the lease is no longer ours, so that every write in
    this transaction is undone and no call is made.
    """
    now = services.now()
    least = timedelta(seconds=services.settings.passback.claim_lease_seconds)
    until = now + max(least, timedelta(seconds=call_seconds) + CALL_MARGIN)
    if not _update_mine(lease, {"lease_until": until, **lease.at_once}):
        db.session.rollback()
        raise LeaseLost
    lease.at_once.clear()


def finish(services: Services, lease: GradeLease) -> None:
    """Give the grade back with its next times. Commits, and wakes whom it must.

    The transaction of the caller ends with it: its other writes stand or fall with the lease.
    Raises LeaseLost (after a rollback) when the lease is no longer ours.
    """
    give_back(services, lease)
    db.session.commit()
    wake_next(services, lease)


def give_back(services: Services, lease: GradeLease) -> None:
    """Free the grade with its next times, in one statement of the caller's transaction.

    When something happened in between (the generation moved), the read time stands as that
    something left it, and a send is due at once, but never before what this lease has learnt.
    Raises LeaseLost (after a rollback) when the lease is no longer ours.
    """
    free: dict[str, object] = {"lease_token": None, "lease_until": None, **lease.values}
    planned = free | {"next_read_at": lease.next_read_at, "next_send_at": lease.next_send_at}
    lease.moved = not _update_mine(lease, planned, generation=lease.generation)
    moved = free | {"next_send_at": max(services.now(), lease.not_before or services.now())}
    if lease.moved and not _update_mine(lease, moved):
        db.session.rollback()
        raise LeaseLost


def _update_mine(lease: GradeLease, values: dict[str, object], **also: object) -> bool:
    db.session.flush()
    mine = {"id": lease.grade_id, "lease_token": lease.token, **also}
    return update_rows(db.session.connection(), GRADE, mine, values) == 1


def wake_next(services: Services, lease: GradeLease) -> None:
    """After the commit: wake a worker for what came meanwhile, or remember a look that is close."""
    if lease.moved:
        wake(services, lease.grade_id)
    else:
        _wake_in_time(services, lease, services.now())


def _wake_in_time(services: Services, lease: GradeLease, now: datetime) -> None:
    """Let this process remember a look that is close; the overdue round finds the others."""
    times = [moment for moment in (lease.next_read_at, lease.next_send_at) if moment is not None]
    if times and (min(times) - now).total_seconds() < 120:
        delay = (min(times) - now).total_seconds()
        services.queue.enqueue_later("passback.work", lease.grade_id, delay)
