"""The bridge's time: the database's, so that nodes with different clocks agree.

Every lease, schedule and timestamp is compared on this time. It is read from the database and
carried forward with the machine's monotonic clock, which neither steps nor stands still while a
process is stopped, and read anew every few seconds.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, text

from .db import READ_ONLY

REFRESH_SECONDS = 10.0
# A machine whose clock is further off is not ready to serve.
MAX_SKEW_SECONDS = 5.0

Now = Callable[[], datetime]


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


class DatabaseClock:
    """Callable that returns the database's time, aware and in UTC.

    `engine` is a function because Flask-SQLAlchemy hands out its engine only inside an app.
    A database that cannot be asked raises SQLAlchemy's own error, as any query would.
    """

    def __init__(self, engine: Callable[[], Engine]) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._read_at: float | None = None
        self._database_time = datetime.min.replace(tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the database's time now."""
        with self._lock:
            tick = time.monotonic()
            if self._read_at is None or tick - self._read_at > REFRESH_SECONDS:
                self._refresh(tick)
            assert self._read_at is not None
            return self._database_time + timedelta(seconds=tick - self._read_at)

    def _refresh(self, before: float) -> None:
        database_time = read_database_time(self._engine())
        after = time.monotonic()
        # The answer was made somewhere within the round trip: half way is the best guess.
        self._database_time = database_time - timedelta(seconds=(after - before) / 2)
        self._read_at = before


def say_time(moment: datetime | None) -> str:
    """Return a moment as people read it: UTC, to the second; a dash for none."""
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC") if moment else "-"
