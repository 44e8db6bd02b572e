"""The database handle: what transactions leave behind, and how SQLite is shared."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import event, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import OperationalError

from lti_bridge.core.clock import read_database_time
from lti_bridge.core.db import EnumText, connect_arguments, db, prepare_engine, reading
from lti_bridge.platforms.models import DeploymentStatus
from tests.conftest import close_app, make_settings, open_app

WRITERS = 10


@pytest.mark.usefixtures("services")
@pytest.mark.parametrize(
    ("kept", "read"),
    [("active", DeploymentStatus.ACTIVE), ("paused", "paused"), (None, None)],
    ids=["known", "newer", "none"],
)
def test_enum_column_reads_what_it_knows(kept: str | None, read: object) -> None:
    """A node of this release may meet rows of the next one."""
    column = EnumText(DeploymentStatus, 10)

    found = column.process_result_value(kept, sqlite.dialect())

    assert (found, type(found)) == (read, type(read))
    assert column.process_bind_param(found, sqlite.dialect()) == kept


@pytest.mark.usefixtures("services")
def test_reading_ends_its_transaction():
    with reading():
        assert db.session.scalar(text("SELECT 1")) == 1

    assert not db.session().in_transaction()


@pytest.mark.postgresql
class TestConnectionCut:
    @pytest.fixture
    def database_url(self, postgresql_url: str) -> str:
        return postgresql_url

    @pytest.mark.usefixtures("services")
    def test_reading_tells_why_it_failed(self):
        with pytest.raises(OperationalError), reading():
            db.session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

        assert db.session.scalar(text("SELECT 1")) == 1


@pytest.mark.postgresql
class TestLimits:
    @pytest.mark.parametrize(
        ("query", "shown"),
        [
            ("", ("10s", "30s")),
            ("?options=-c%20statement_timeout%3D1min", ("0", "1min")),
            ("?application_name=x&connect_timeout=3", ("10s", "30s")),
        ],
        ids=["ours", "theirs", "others"],
    )
    def test_statements_have_an_end(
        self, postgresql_url: str, tmp_path: Path, query: str, shown: tuple[str, str]
    ) -> None:
        app = open_app(make_settings(postgresql_url + query, tmp_path))

        with app.app_context():
            found = [
                db.session.scalar(text(f"SHOW {name}"))
                for name in ("lock_timeout", "statement_timeout")
            ]

        assert tuple(found) == shown
        close_app(app)

    def test_statement_that_hangs_is_cut(
        self, postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("lti_bridge.core.db.STATEMENT_SECONDS", 1)
        app = open_app(make_settings(postgresql_url, tmp_path))

        with app.app_context(), pytest.raises(OperationalError), reading():
            db.session.execute(text("SELECT pg_sleep(20)"))

        close_app(app)


@pytest.mark.parametrize(
    ("query", "seconds"),
    [("", 5), ("?connect_timeout=2", None), ("?options=-c%20x%3D1", 5)],
    ids=["usual", "own timeout", "other option"],
)
def test_connecting_has_an_end(query: str, seconds: int | None) -> None:
    url = f"postgresql://bridge@db.example/bridge{query}"

    assert connect_arguments(url).get("connect_timeout") == seconds


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sqlalchemy.Engine]:
    """SQLite as the bridge opens it, though it asks for a fifth of a second only."""
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'db.sqlite3'}", pool_size=WRITERS)
    prepare_engine(engine)

    @event.listens_for(engine, "connect")
    def ask_shortly(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA busy_timeout = 200")

    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (n INTEGER)"))
    yield engine
    engine.dispose()


def test_search_knows_letters_beyond_ascii(engine: sqlalchemy.Engine) -> None:
    name = sqlalchemy.literal("Åsa ÖZTÜRK")
    with engine.connect() as connection:
        assert connection.scalar(sqlalchemy.select(name.icontains("åsa öz", autoescape=True)))
        assert connection.scalar(text("SELECT lower(NULL)")) is None


def test_threads_write_in_turns(engine: sqlalchemy.Engine) -> None:
    problems: list[Exception] = []

    def write() -> None:
        try:
            with engine.begin() as connection:
                connection.execute(text("INSERT INTO t VALUES (1)"))
                time.sleep(0.1)
        except Exception as problem:
            problems.append(problem)

    threads = [threading.Thread(target=write) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert problems == []


def test_lost_transaction_gives_its_turn_back(engine: sqlalchemy.Engine) -> None:
    for _ in range(3):
        with pytest.raises(KeyError), engine.begin() as connection:
            connection.execute(text("INSERT INTO t VALUES (1)"))
            raise KeyError
    connection = engine.connect()
    connection.execute(text("INSERT INTO t VALUES (1)"))
    connection.close()

    with engine.begin() as connection:
        assert connection.scalar(text("SELECT count(*) FROM t")) == 0


def test_next_writer_finds_the_database_free(engine: sqlalchemy.Engine) -> None:
    """The turn passes on after the commit, however long that takes: no writer finds it busy."""
    problems: list[Exception] = []
    do_commit = engine.dialect.do_commit

    def commit_slowly(connection: Any) -> None:
        time.sleep(0.3)  # longer than a writer here asks
        do_commit(connection)

    def write() -> None:
        try:
            with engine.begin() as connection:
                connection.execute(text("INSERT INTO t VALUES (1)"))
        except Exception as problem:
            problems.append(problem)

    engine.dialect.do_commit = commit_slowly  # type: ignore[method-assign]
    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert problems == []


def test_waiting_writers_leave_a_connection(tmp_path: Path) -> None:
    """The writer whose turn it is may read the clock on a second connection, however many wait."""
    app = open_app(make_settings(f"sqlite:///{tmp_path / 'bridge.sqlite3'}", tmp_path))
    waiting = 40

    def write() -> None:
        with app.app_context():
            db.session.connection()  # its turn comes when the first one ends
            db.session.rollback()

    with app.app_context():
        pool: Any = db.engine.pool
        pool._timeout = 1  # a pool without one fails soon, not after half a minute
        db.session.connection()
        threads = [threading.Thread(target=write) for _ in range(waiting)]
        for thread in threads:
            thread.start()
        while pool.checkedout() < min(waiting, 30):
            time.sleep(0.01)

        assert read_database_time(db.engine) is not None

        db.session.rollback()
        for thread in threads:
            thread.join(30)
    close_app(app)
