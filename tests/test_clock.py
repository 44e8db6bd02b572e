"""Time is the database's, aware and in UTC, and asking for it waits for nobody."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, create_engine, text

from lti_bridge import clock
from lti_bridge.clock import DatabaseClock, read_database_time
from lti_bridge.db import prepare_engine, sqlalchemy_url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = create_engine(sqlalchemy_url(database_url))
    prepare_engine(engine)
    yield engine
    engine.dispose()


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
    now = DatabaseClock(lambda: None)

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
    now = DatabaseClock(lambda: None)

    # Asked at 0, answered at 2: the database's time stood at 10 when 1 had passed.
    assert now() == datetime(2026, 1, 1, second=9, tzinfo=UTC)
