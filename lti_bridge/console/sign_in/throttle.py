"""Throttling of failed sign-ins, counted in rows for all nodes together."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from ...core.db import db, insert_if_new, write
from ...people.models import FORGOTTEN_AFTER, SignInFailure


@dataclass(frozen=True)
class Limit:
    """`free` failures have no wait; each further one doubles it, up to `longest`."""

    key: str
    free: int
    longest: timedelta
    of_name: bool = True  # cleared by a correct password


def limits_for(name: str, address: str) -> tuple[Limit, ...]:
    """Return the counters of one try, with their limits.

    The limit of the name alone is lenient: otherwise an attacker could lock an owner out.
    """
    return (
        Limit(_key("both", name, address), 5, timedelta(minutes=15)),
        Limit(_key("address", address), 20, timedelta(minutes=15), of_name=False),
        Limit(_key("name", name), 50, timedelta(minutes=1)),
    )


def wait_until(limits: Iterable[Limit], now: datetime) -> datetime | None:
    """Return when the next try is allowed; None: now. Reads in the caller's transaction."""
    by_key = {one.key: one for one in limits}
    rows = db.session.scalars(select(SignInFailure).where(SignInFailure.key.in_(by_key)))
    moments = [row.failed_at + decide_wait(by_key[row.key], row.failures) for row in rows]
    return max((moment for moment in moments if moment > now), default=None)


def decide_wait(limit: Limit, failures: int) -> timedelta:
    """Return the wait after so many failures."""
    beyond = failures - limit.free
    if beyond < 0:
        return timedelta(0)
    return min(timedelta(seconds=2.0 ** min(beyond, 20)), limit.longest)


def count_failure(limits: Iterable[Limit], now: datetime) -> None:
    """Count one failed try, and delete counters a day old, in the caller's transaction."""
    db.session.execute(delete(SignInFailure).where(SignInFailure.failed_at < now - FORGOTTEN_AFTER))
    # Always in one order: two tries at once must not deadlock.
    for key in sorted(one.key for one in limits):
        if insert_if_new(db.session, SignInFailure, key=key, failures=1, failed_at=now):
            continue
        values = {"failures": SignInFailure.failures + 1, "failed_at": now}
        write(update(SignInFailure).where(SignInFailure.key == key).values(values))


def forget_failures(limits: Iterable[Limit]) -> None:
    """Delete the failures of a user who has signed in, but not those of their address."""
    keys = [limit.key for limit in limits if limit.of_name]
    db.session.execute(delete(SignInFailure).where(SignInFailure.key.in_(keys)))


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
