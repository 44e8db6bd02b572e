"""An empty database of each kind that is here."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import sqlalchemy

from lti_bridge.core.db import sqlalchemy_url

POSTGRESQL = os.environ.get("LTI_BRIDGE_TEST_POSTGRESQL")
_numbers = count()


@contextmanager
def postgresql_schema() -> Iterator[str]:
    """A schema of its own on the PostgreSQL server; dropped at the end."""
    assert POSTGRESQL is not None
    name = f"bench_{os.getpid()}_{next(_numbers)}"
    engine = sqlalchemy.create_engine(sqlalchemy_url(POSTGRESQL))
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text(f"CREATE SCHEMA {name}"))
    joiner = "&" if "?" in POSTGRESQL else "?"
    try:
        yield f"{POSTGRESQL}{joiner}options=-csearch_path%3D{name}"
    finally:
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text(f"DROP SCHEMA {name} CASCADE"))
        engine.dispose()


@contextmanager
def postgresql_database() -> Iterator[str]:
    """A database of its own on the PostgreSQL server, for software that knows no schemas."""
    assert POSTGRESQL is not None
    name = f"bench_{os.getpid()}_{next(_numbers)}"
    engine = sqlalchemy.create_engine(sqlalchemy_url(POSTGRESQL), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text(f"CREATE DATABASE {name}"))
    try:
        yield urlsplit(POSTGRESQL)._replace(path=f"/{name}", query="").geturl()
    finally:
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text(f"DROP DATABASE {name} WITH (FORCE)"))
        engine.dispose()


def databases(held: ExitStack, directory: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and address of each; `held` drops them at its end."""
    directory.mkdir(parents=True, exist_ok=True)
    yield "sqlite", f"sqlite:///{directory / 'bridge.sqlite3'}"
    if POSTGRESQL:
        yield "postgresql", held.enter_context(postgresql_schema())
