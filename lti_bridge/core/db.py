"""The database: engine options, constraint names, UTC times, and helpers for statements."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, cast

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    JSON,
    CursorResult,
    DateTime,
    Delete,
    Dialect,
    Engine,
    Executable,
    MetaData,
    Result,
    Row,
    String,
    Table,
    TypeDecorator,
    Update,
    bindparam,
    event,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.orm import DeclarativeBase, Session, registry, scoped_session
from sqlalchemy.sql.dml import ReturningInsert

from .sentences import as_sentence, to_row
from .sqlite_turns import Turns

# Names contain all columns: with the usual `column_0_name`, two constraints that share their first
# column collide.
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
BUSY_TIMEOUT_SECONDS = 5
# PostgreSQL's timeouts: to connect, for a lock, for a statement.
CONNECT_SECONDS = 5
LOCK_SECONDS = 10
STATEMENT_SECONDS = 30
PAGE_CACHE_KILOBYTES = 512
READ_ONLY = "lti_bridge_read_only"
TURN = "lti_bridge_turn"


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC: aware in Python, timestamptz in PostgreSQL, naive text in SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert an aware time for the database; a naive one is a bug."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a time zone cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return a stored time as aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class SentenceText(TypeDecorator[str]):
    """A column of sentences for people: their code and values, where they have a code."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Turn a sentence into what the database keeps; one that is too long is cut as text."""
        kept = None if value is None else to_row(value)
        if value is None or kept is None or len(kept) <= self.length:
            return kept
        return str(value)[: self.length]

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Give every kept sentence back as it was made."""
        return None if value is None else as_sentence(value)


class Base(DeclarativeBase):
    """Base class of all models."""

    registry = registry(
        metadata=MetaData(naming_convention=NAMING),
        type_annotation_map={datetime: UtcDateTime, dict[str, Any]: JSON, list[str]: JSON},
    )


class EnumText(TypeDecorator[Any]):
    """A column of an enum's values, as text of at most `length` characters.

    What another release has written, and this one has no name for, comes back as it is.
    """

    impl = String
    cache_ok = True

    def __init__(self, kind: type[StrEnum], length: int) -> None:
        super().__init__(length)
        self.kind = kind

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Turn a member into what the database stores."""
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Return the member for a stored value."""
        if value is None:
            return None
        try:
            return self.kind(value)
        except ValueError:
            return value


def table_of(model: type[Base]) -> Table:
    """Return a model's table, for statements that do not use the ORM."""
    return cast(Table, model.__table__)


# Rows keep their values after a commit: workflows commit before each outbound call, and an
# attribute read afterwards must not start a transaction that spans the call.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})


def sqlalchemy_url(url: str) -> str:
    """Return `url` with the supported driver: psycopg 3 for PostgreSQL."""
    parsed = make_url(url)
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    return parsed.render_as_string(hide_password=False)


def is_sqlite(url: str) -> bool:
    """Tell whether `url` is that of an SQLite database."""
    return make_url(url).get_backend_name() == "sqlite"


def connect_arguments(url: str) -> dict[str, Any]:
    """Return the driver's connect arguments, except those that `url` sets itself."""
    if is_sqlite(url):
        return {"timeout": BUSY_TIMEOUT_SECONDS}
    limits = f"-c lock_timeout={LOCK_SECONDS}s -c statement_timeout={STATEMENT_SECONDS}s"
    ours = {"connect_timeout": CONNECT_SECONDS, "options": limits}
    theirs = make_url(url).query
    return {name: value for name, value in ours.items() if name not in theirs}


def prepare_engine(engine: Engine) -> None:
    """Set up durability and locking of an SQLite engine; PostgreSQL needs nothing."""
    if engine.dialect.name != "sqlite":
        return

    event.listen(engine, "connect", _open_sqlite)
    file = engine.url.database
    turns = Turns(Path(file) if file and file != ":memory:" else None, BUSY_TIMEOUT_SECONDS)
    event.listen(engine, "engine_disposed", lambda _engine: turns.close())

    def give_back(info: dict[Any, Any]) -> None:
        if info.pop(TURN, False):
            turns.give_back()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A deferred transaction that reads first and writes later may fail at once, without the
        # busy timeout: so every transaction that may write takes the write lock at its start.
        if connection.get_execution_options().get(READ_ONLY):
            connection.exec_driver_sql("BEGIN")
            return
        if not connection.info.get(TURN):  # several transactions before its return
            connection.info[TURN] = turns.take()
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except BaseException:
            give_back(connection.info)
            raise

    # Not at "commit", which is before the actual commit: the next writer would find the database
    # busy, sleep, and be overtaken.
    @event.listens_for(engine, "checkin")
    def return_connection(_connection: Any, record: Any) -> None:
        give_back(record.info)


def _open_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin explicitly, see `begin`
    # SQLite's lower() handles ASCII only: a search for "ünal" would not find "Ünal".
    connection.create_function("lower", 1, _lower, deterministic=True)
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_SECONDS * 1000}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    # Each thread's connection would cache two megabytes, which any other's write invalidates; the
    # operating system caches the file anyway.
    cursor.execute(f"PRAGMA cache_size = -{PAGE_CACHE_KILOBYTES}")
    cursor.close()


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


@contextmanager
def reading() -> Iterator[None]:
    """Run the block in a transaction that only reads, so that it waits for no writer, and end it.

    A transaction that is open already is used and committed. Rolled back after a failure: a commit
    would fail as well and hide the first error.
    """
    if not db.session().in_transaction():
        db.session().connection(execution_options={READ_ONLY: True})
    try:
        yield
    except BaseException:
        db.session.rollback()
        raise
    db.session.commit()


def read_apart(engine: Engine, statement: Executable, values: dict[str, Any]) -> Sequence[Row[Any]]:
    """Return the rows of one statement, read outside of the session's transaction.

    For queries of every login: starting a session costs more than the statement.
    """
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection = connection.execution_options(**{READ_ONLY: True})
        else:  # saves the round trips of BEGIN and COMMIT
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        return connection.execute(statement, values).all()


def insert_if_new(session: Session | scoped_session[Any], model: type[Base], **values: Any) -> bool:
    """Insert a row unless a unique constraint already has it; tells whether it was inserted."""
    return insert_row(session.connection(), table_of(model), **values) is not None


def insert_row(connection: Connection, table: Table, **values: Any) -> Any:
    """Insert a row unless a unique constraint already has it; returns it as a tuple, or None.

    When two nodes insert the same row at once, neither transaction fails.
    """
    # RETURNING, not the row count: drivers differ in what they count for an insert.
    return connection.execute(_insert(table, connection.dialect.name), values).first()


@cache
def _insert(table: Table, dialect: str) -> ReturningInsert[Any]:
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return insert(table).on_conflict_do_nothing().returning(*table.columns)


def change_row(
    session: Session | scoped_session[Any], model: type[Base], row_id: int, **values: Any
) -> None:
    """Update columns of one row in the session's transaction, without the ORM."""
    update_rows(session.connection(), table_of(model), {"id": row_id}, values)


def update_rows(
    connection: Connection, table: Table, where: dict[str, Any], values: dict[str, Any]
) -> int:
    """Set `values` in the rows whose columns equal `where`; returns their number.

    Statements are cached by their columns: building one costs more than running it.
    """
    empty = tuple(name for name, value in where.items() if value is None)
    filled = {f"where_{name}": value for name, value in where.items() if value is not None}
    statement = _update(table, tuple(where), empty, tuple(values))
    return affected(connection.execute(statement, values | filled))


@cache
def _update(
    table: Table, where: tuple[str, ...], empty: tuple[str, ...], values: tuple[str, ...]
) -> Update:
    conditions = (
        table.c[name].is_(None) if name in empty else table.c[name] == bindparam(f"where_{name}")
        for name in where
    )
    return update(table).where(*conditions).values({name: bindparam(name) for name in values})


def write(statement: Update | Delete) -> int:
    """Execute a bulk UPDATE or DELETE in the session; returns the number of rows."""
    apart = statement.execution_options(synchronize_session=False)
    return affected(db.session.execute(apart))


def affected(result: Result[Any]) -> int:
    """Return the number of rows that a statement inserted, updated or deleted."""
    return int(cast("CursorResult[Any]", result).rowcount)
