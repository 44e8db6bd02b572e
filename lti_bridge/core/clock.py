"""The bridge's time: the database's, so that nodes with different clocks agree.

Every lease, schedule and timestamp is compared on this time. It is read from the database and
carried forward with the machine's monotonic clock, which neither steps nor stands still while a
process is stopped, and read anew every few seconds.
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
# So long a due reading may fail or be put off; no machine's clock runs off by much meanwhile.
CARRIED_SECONDS = 60.0
RETRY_SECONDS = 2.0
# A machine whose clock is further off is not ready to serve.
MAX_SKEW_SECONDS = 5.0

Now = Callable[[], datetime]
logger = logging.getLogger(__name__)


def read_database_time(engine: Engine) -> datetime:
    """Ask the database for its time (aware, UTC)."""
    if engine.dialect.name == "sqlite":
        query = "SELECT strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')"
    else:
        query = "SELECT clock_timestamp()"
    # The asking thread may be in the middle of a transaction that writes: on SQLite a second one
    # of that kind would wait for it for ever.
    reading = engine.execution_options(**{READ_ONLY: True})
    with reading.connect() as connection:
        value = connection.execute(text(query)).scalar_one()
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.astimezone(UTC)


def measure_clock(engine: Engine) -> float:
    """Return by how many seconds this machine's clock is before the database's.

    The one place that asks this machine for the time: to compare it.
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

    `engine` is a function because Flask-SQLAlchemy hands out its engine only inside an app.
    One thread reads anew while all others go on with the time carried forward; nobody does while
    the pool has no connection to give, or for some seconds after a reading failed. The first
    reading, and one that is overdue by CARRIED_SECONDS, is waited for: a database that cannot be
    asked then raises SQLAlchemy's own error, as any query would.
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
        """Counted from when somebody first asked: a process that idles for an hour is not late."""
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
        # The answer was made somewhere within the round trip: half way is the best guess.
        self._reading = _Reading(database_time - timedelta(seconds=(after - before) / 2), before)
        self._due_since = self._failed_at = None


def _has_no_connection(engine: Engine) -> bool:
    """Tell whether a reading would wait for a connection that open transactions hold."""
    pool = engine.pool
    if not isinstance(pool, QueuePool) or pool._max_overflow < 0:
        return False
    return pool.checkedout() >= pool.size() + pool._max_overflow


def say_time(moment: datetime | None) -> str:
    """Return a moment as people read it: UTC, to the second; a dash for none."""
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC") if moment else "-"
