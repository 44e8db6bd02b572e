"""The database's schema: migrate it, and check that it is current."""

import logging
from typing import TYPE_CHECKING, cast

from flask import Flask
from sqlalchemy import inspect, text
from sqlalchemy.exc import OperationalError

from .db import db
from .errors import ConfigurationError
from .paths import shipped

if TYPE_CHECKING:
    from alembic.config import Config

# Each lasts as long as SQLite's busy timeout.
WAITS = 8
logger = logging.getLogger(__name__)


def migrate_database(app: Flask) -> tuple[str | None, str | None]:
    """Migrate the database to the newest schema; returns the revisions before and after.

    Safe with several nodes at once: they wait for each other. Raises ConfigurationError when a
    newer release has migrated it already.
    """
    with app.app_context():
        for left in reversed(range(WAITS)):
            try:
                return _migrate(app)
            except OperationalError as error:
                # On a slow machine another process may hold the lock longer than one busy timeout.
                if not left or "locked" not in str(error):
                    raise
                db.engine.dispose()
        raise AssertionError("WAITS is at least one")


def _migrate(app: Flask) -> tuple[str | None, str | None]:
    from alembic import command  # a slow import, needed for migrations only

    before = _current()
    if before is not None and before not in _known():
        raise ConfigurationError(_newer(before))
    logging.getLogger("alembic").setLevel(logging.WARNING)
    command.upgrade(_config(app), "head")
    return before, _current()


def require_newest_schema(app: Flask) -> None:
    """Raise ConfigurationError when the database's schema is older than this code expects.

    A newer one is allowed, for a release being rolled out: its migrations keep everything that the
    release before it uses, so nodes of that one still run and start.
    """
    with app.app_context():
        current = _current()
        known = _known()
        if current == max(known):
            return
        if current is None or current in known:
            raise ConfigurationError("the database's schema is too old: run `lti-bridge migrate`")
    logger.warning("%s: update this node soon", _newer(current))


def _newer(current: str | None) -> str:
    return f"the database's schema ({current}) is newer than this version of the bridge"


def _known() -> set[str]:
    """Return this release's revisions: the numbers at the start of the file names."""
    return {file.name[:4] for file in shipped("migrations").glob("versions/[0-9]*.py")}


def _current() -> str | None:
    with db.engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        revision = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return None if revision is None else str(revision)


def know_migrations(app: Flask) -> None:
    """Register the folder of migrations with Flask-Migrate."""
    from flask_migrate import Migrate

    if "migrate" not in app.extensions:
        Migrate(app, db, directory=str(shipped("migrations")), render_as_batch=True)


def _config(app: Flask) -> "Config":
    know_migrations(app)
    return cast("Config", app.extensions["migrate"].migrate.get_config())
