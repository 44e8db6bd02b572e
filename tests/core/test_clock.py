"""Time is the database's, aware and in UTC, and asking for it never waits."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, NullPool, QueuePool, create_engine, text
from sqlalchemy.exc import OperationalError, TimeoutError

from lti_bridge.core import clock
from lti_bridge.core.clock import DatabaseClock, read_database_time
from lti_bridge.core.db import prepare_engine, sqlalchemy_url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = create_engine(sqlalchemy_url(database_url))
    prepare_engine(engine)
    yield engine
    engine.dispose()


def unasked() -> Engine:
    """An engine without a connection: what reads the time is replaced."""
    return create_engine("sqlite://", poolclass=NullPool)


def test_database_time_is_aware_utc(engine):
    moment = read_database_time(engine)

    assert moment.tzinfo is UTC
    assert abs(moment - datetime.now(UTC)) < timedelta(minutes=1)


def test_time_is_read_while_a_writer_works(engine):
    with engine.begin() as writer:
        writer.execute(text("CREATE TABLE busy (id INTEGER)"))

        assert read_database_time(engine).tzinfo is UTC


def test_clock_carries_time_forward(monkeypatch):
    ticks = iter([0.0, 0.0, 3.0, 11.0, 11.0, 12.0])
    times = iter([datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)])
    monkeypatch.setattr(clock.time, "monotonic", lambda: next(ticks))
    monkeypatch.setattr(clock, "read_database_time", lambda _engine: next(times))
    now = DatabaseClock(unasked)

    assert now() == datetime(2026, 1, 1, tzinfo=UTC)
    assert now() == datetime(2026, 1, 1, second=3, tzinfo=UTC)
    assert now() == datetime(2026, 1, 2, tzinfo=UTC)
    assert now() == datetime(2026, 1, 2, second=1, tzinfo=UTC)


def test_half_the_round_trip_is_counted(monkeypatch):
    ticks = iter([0.0, 2.0])
    monkeypatch.setattr(clock.time, "monotonic", lambda: next(ticks))
    monkeypatch.setattr(
        clock, "read_database_time", lambda _engine: datetime(2026, 1, 1, second=10, tzinfo=UTC)
    )
    now = DatabaseClock(unasked)

    # Asked at 0, answered at 2: the database's time stood at 10 when 1 had passed.
    assert now() == datetime(2026, 1, 1, second=9, tzinfo=UTC)


START = datetime(2026, 1, 1, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


class Machine:
    """The monotonic clock, turned by hand, and a database that may not answer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tick = 0.0
        self.failure: Exception | None = None
        self.read = 0
        monkeypatch.setattr(clock.time, "monotonic", lambda: self.tick)
        monkeypatch.setattr(clock, "read_database_time", self._read)

    def _read(self, _engine: Engine) -> datetime:
        self.read += 1
        if self.failure is not None:
            raise self.failure
        return after(self.tick)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


AWAY = OperationalError("SELECT", {}, Exception("away"))


def test_first_reading_raises(machine):
    machine.failure = AWAY
    now = DatabaseClock(unasked)

    with pytest.raises(OperationalError):
        now()
    machine.failure = None
    assert now() == START


@pytest.mark.parametrize(
    "failure", [AWAY, TimeoutError("no connection")], ids=["database away", "no connection"]
)
def test_failed_reading_carries_the_time(machine, failure):
    now = DatabaseClock(unasked)
    now()
    machine.failure = failure

    for seconds in (11, 30, 71):
        machine.tick = seconds
        assert now() == after(seconds)
    machine.tick = 72
    with pytest.raises(type(failure)):
        now()


def test_failed_reading_is_tried_again(machine):
    now = DatabaseClock(unasked)
    now()
    machine.failure = AWAY
    machine.tick = 11

    for _ in range(5):
        now()
    assert machine.read == 2
    machine.failure, machine.tick = None, 13
    now()
    assert machine.read == 3


def test_outages_are_not_added_up(machine):
    """Each is bounded from when it was noticed, not from an earlier one."""
    now = DatabaseClock(unasked)
    now()

    for start in (11, 100, 200):
        machine.failure, machine.tick = AWAY, start
        now()
        machine.failure, machine.tick = None, start + 50
        assert now() == after(start + 50)


def test_idle_process_is_not_overdue(machine):
    now = DatabaseClock(unasked)
    now()
    machine.failure, machine.tick = AWAY, 3600

    assert now() == after(3600)


def test_stopped_process_reads_anew(machine):
    now = DatabaseClock(unasked)
    now()
    machine.tick = 86400

    assert now() == after(86400)
    assert machine.read == 2


def test_others_go_on_during_a_reading(monkeypatch):
    machine = Machine(monkeypatch)
    now = DatabaseClock(unasked)
    now()
    asked, free = threading.Event(), threading.Event()

    def slowly(_engine: Engine) -> datetime:
        asked.set()
        assert free.wait(30)
        return after(machine.tick)

    monkeypatch.setattr(clock, "read_database_time", slowly)
    machine.tick = 11
    with ThreadPoolExecutor(5) as pool:
        reader = pool.submit(now)
        assert asked.wait(30)
        others = [pool.submit(now).result(30) for _ in range(20)]
        free.set()

        assert others == [after(11)] * 20
        assert reader.result(30) == after(11)


def test_hung_reading_expires(monkeypatch):
    """Beyond the bound everybody waits for the one who reads."""
    machine = Machine(monkeypatch)
    now = DatabaseClock(unasked)
    now()
    asked, free = threading.Event(), threading.Event()

    def hang(_engine: Engine) -> datetime:
        asked.set()
        assert free.wait(30)
        raise AWAY

    monkeypatch.setattr(clock, "read_database_time", hang)
    machine.tick = 11
    with ThreadPoolExecutor(2) as pool:
        reader = pool.submit(now)
        assert asked.wait(30)
        machine.tick = 72
        late = pool.submit(now)
        free.set()

        assert reader.result(30) == after(11)
        with pytest.raises(OperationalError):
            late.result(30)


@pytest.mark.postgresql
def test_open_transactions_keep_no_reader_waiting(postgresql_url, monkeypatch):
    """The time is carried while no connection is left, and read when there is one again."""
    engine = create_engine(
        sqlalchemy_url(postgresql_url), pool_size=1, max_overflow=1, pool_timeout=1
    )
    tick = 0.0
    monkeypatch.setattr(clock.time, "monotonic", lambda: tick)
    now = DatabaseClock(lambda: engine)
    start = now()
    tick = 3600.0

    with engine.begin() as one, engine.begin() as other:
        one.execute(text("SELECT 1"))
        other.execute(text("SELECT 1"))
        carried = {now() for _ in range(3)}

    assert carried == {start + timedelta(hours=1)}
    assert now() - start < timedelta(minutes=1)
    engine.dispose()


@pytest.mark.parametrize(
    ("most", "held", "none_left"),
    [(1, 1, False), (1, 2, True), (0, 1, True), (-1, 2, False)],
    ids=["one of two held", "both held", "the only one held", "no limit"],
)
def test_pool_that_is_used_up(most: int, held: int, none_left: bool) -> None:
    engine = create_engine(
        "sqlite://", poolclass=QueuePool, pool_size=1, max_overflow=most, pool_timeout=0
    )
    connections = [engine.connect() for _ in range(held)]

    assert clock._has_no_connection(engine) is none_left

    for connection in connections:
        connection.close()
    engine.dispose()
