"""The lease on a grade: one worker at a time, a lease that ends, a token that fences the rest."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, cast

from sqlalchemy import Table, bindparam, or_, update

from ...core.db import db, update_rows
from ...core.leases import LeaseLost
from ...registrations.grade_updates import WORK_TASK, wake
from ...registrations.models import Grade
from ...services import Services

# A lease is extended by this much past the deadline of the call that follows.
CALL_MARGIN = timedelta(seconds=10)
# A look that is so close is remembered by this process; the overdue round finds the others.
CLOSE_SECONDS = 120.0
NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True)
class GradeLease:
    """What one worker holds of a grade, and what was due when it took it."""

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
    """How a grade is given back: its next times, and what else its row is to hold.

    `not_before` is a wait that the LMS or a timestamp imposed: nothing may send before it,
    whatever happened meanwhile. `answered` is written only if nothing happened meanwhile.
    """

    next_read_at: datetime | None
    next_send_at: datetime | None
    not_before: datetime | None
    values: Mapping[str, object]
    answered: Mapping[str, object]


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
        until=until,
        generation=row.generation,
        read_due=row.next_read_at is not None and row.next_read_at <= now,
        send_due=row.next_send_at is not None and row.next_send_at <= now,
        next_read_at=row.next_read_at,
        next_send_at=row.next_send_at,
    )


def outlast(services: Services, lease: GradeLease, call_seconds: float) -> GradeLease:
    """Return the lease as it must be for the call that follows; commits what the caller wrote.

    It is extended only when it would not outlast the call. Raises LeaseLost.
    """
    if lease.until < services.now() + timedelta(seconds=call_seconds) + CALL_MARGIN:
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
    """Extend the lease past the call that follows, and write into the grade's row.

    `answered` is written only if nothing has happened since the lease was taken.

    In the caller's transaction, before any other write: the grade's row is locked before those
    that hang on it. Raises LeaseLost (after a rollback) when the lease is no longer ours, so that
    every write in this transaction is undone and no call is made.
    """
    now = services.now()
    least = timedelta(seconds=services.settings.passback.claim_lease_seconds)
    until = now + max(least, timedelta(seconds=call_seconds) + CALL_MARGIN)
    values["lease_until"] = until
    if answered and _update_mine(lease, {**values, **answered}, generation=lease.generation):
        return replace(lease, until=until)
    if not _update_mine(lease, values):
        db.session.rollback()
        raise LeaseLost
    return replace(lease, until=until)


def give_back(services: Services, lease: GradeLease, back: Return) -> bool:
    """Free the grade with its next times, in one statement of the caller's transaction.

    Returns True when something happened in between (the generation moved): then the read time
    stands as that something left it, and a send is due at once, but never before what this lease
    has learnt. Raises LeaseLost (after a rollback) when the lease is no longer ours.
    """
    free: dict[str, object] = {"lease_token": None, "lease_until": None, **back.values}
    planned = free | {"next_read_at": back.next_read_at, "next_send_at": back.next_send_at}
    planned |= back.answered
    if _update_mine(lease, planned, generation=lease.generation):
        return False
    moved = free | {"next_send_at": max(services.now(), back.not_before or services.now())}
    if not _update_mine(lease, moved):
        db.session.rollback()
        raise LeaseLost
    return True


def _update_mine(lease: GradeLease, values: dict[str, object], **also: object) -> bool:
    db.session.flush()
    mine = {"id": lease.grade_id, "lease_token": lease.token, **also}
    return update_rows(db.session.connection(), GRADE, mine, values) == 1


def wake_next(services: Services, lease: GradeLease, back: Return, moved: bool) -> None:
    """After the commit: wake a worker for what came meanwhile, or remember a look that is close."""
    times = [moment for moment in (back.next_read_at, back.next_send_at) if moment is not None]
    wait = (min(times) - services.now()).total_seconds() if times else CLOSE_SECONDS
    if moved or wait <= 0:
        wake(services, lease.grade_id)
    elif wait < CLOSE_SECONDS:
        services.queue.enqueue_later(WORK_TASK, lease.grade_id, wait)
