"""The bridge's time: the database's, so that nodes with different clocks agree.

All leases, schedules and timestamps use it. It is read from the database every few seconds, and in
between advanced with the monotonic clock, which never steps.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, QueuePool, text
from sqlalchemy.exc import SQLAlchemyError

from .db import READ_ONLY

REFRESH_SECONDS = 10.0
# A refresh may fail or be delayed for this long; clocks drift little in that time.
CARRIED_SECONDS = 60.0
RETRY_SECONDS = 2.0
# Readiness fails when the machine's clock differs by more.
MAX_SKEW_SECONDS = 5.0

Now = Callable[[], datetime]
logger = logging.getLogger(__name__)


def read_database_time(engine: Engine) -> datetime:
    """Return the database's time (aware, UTC)."""
    if engine.dialect.name == "sqlite":
        query = "SELECT strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')"
    else:
        query = "SELECT clock_timestamp()"
    # Read-only, because this thread may hold a write transaction: a second one on SQLite would
    # deadlock.
    reading = engine.execution_options(**{READ_ONLY: True})
    with reading.connect() as connection:
        value = connection.execute(text(query)).scalar_one()
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.astimezone(UTC)


def measure_clock(engine: Engine) -> float:
    """Return by how many seconds this machine's clock is ahead of the database's.

    The only place that reads this machine's clock, for the comparison.
    """
    return (datetime.now(UTC) - read_database_time(engine)).total_seconds()


@dataclass(frozen=True)
class _Reading:
    """The database's time at a moment of this process's monotonic clock."""

    time: datetime
    at: float

    def is_due(self, tick: float) -> bool:
        return tick - self.at > REFRESH_SECONDS

    def carried_to(self, tick: float) -> datetime:
        return self.time + timedelta(seconds=tick - self.at)


class DatabaseClock:
    """Callable that returns the database's time, aware and in UTC.

    `engine` is a function because Flask-SQLAlchemy hands out its engine only inside an app. One
    thread refreshes the reading while the others use the old one; none does while the pool is
    exhausted, or within RETRY_SECONDS of a failure. Callers wait for the first reading and for one
    overdue by CARRIED_SECONDS, and then get SQLAlchemy's error when the database is away.
    """

    def __init__(self, engine: Callable[[], Engine]) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._reading: _Reading | None = None
        self._due_since: float | None = None
        self._failed_at: float | None = None

    def __call__(self) -> datetime:
        """Return the database's time now."""
        if self._reading is None:
            return self._wait()
        tick = time.monotonic()
        if self._reading.is_due(tick):
            if self._is_overdue(tick):
                return self._wait()
            self._try_to_refresh(tick)
        return self._reading.carried_to(tick)

    def _is_overdue(self, tick: float) -> bool:
        """Measured from the first call after it became due: an idle process is not overdue."""
        if self._due_since is None:
            self._due_since = tick
        return tick - self._due_since > CARRIED_SECONDS

    def _wait(self) -> datetime:
        with self._lock:
            tick = time.monotonic()
            if self._reading is None or self._reading.is_due(tick):
                self._refresh(tick)
            assert self._reading is not None
            return self._reading.carried_to(tick)

    def _try_to_refresh(self, tick: float) -> None:
        failed_at, engine = self._failed_at, self._engine()
        if failed_at is not None and tick - failed_at < RETRY_SECONDS:
            return
        if _has_no_connection(engine) or not self._lock.acquire(blocking=False):
            return
        try:
            if self._reading is None or self._reading.is_due(tick):
                self._refresh(tick)
        except SQLAlchemyError as error:
            self._failed_at = time.monotonic()
            logger.warning("the database's time cannot be read: %s", type(error).__name__)
        finally:
            self._lock.release()

    def _refresh(self, before: float) -> None:
        database_time = read_database_time(self._engine())
        after = time.monotonic()
        # The database read its clock within the round trip: the middle is the best estimate.
        self._reading = _Reading(database_time - timedelta(seconds=(after - before) / 2), before)
        self._due_since = self._failed_at = None


def _has_no_connection(engine: Engine) -> bool:
    """Tell whether the pool has no free connection for a reading."""
    pool = engine.pool
    if not isinstance(pool, QueuePool) or pool._max_overflow < 0:
        return False
    return pool.checkedout() >= pool.size() + pool._max_overflow


def say_time(moment: datetime | None) -> str:
    """Format a time for people: UTC, to the second; a dash for None."""
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC") if moment else "-"
