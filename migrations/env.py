"""Run migrations on the app's own engine; number new ones; render times the plain way."""

from typing import Any

from alembic import context
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrationScript
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import text

from lti_bridge.core.db import UtcDateTime, db

# Any constant: nodes that migrate at the same moment wait for each other on it.
LOCK = 7205127


def number_revision(
    _context: MigrationContext, _revision: object, directives: list[MigrationScript]
) -> None:
    """Give a new migration the next number, and make none when nothing changed."""
    (script,) = directives
    if script.upgrade_ops is not None and script.upgrade_ops.is_empty():
        directives.clear()
        return
    head = ScriptDirectory.from_config(context.config).get_current_head()
    script.rev_id = f"{int(head or 0) + 1:04d}"


def render_item(kind: str, item: Any, _autogen: AutogenContext) -> str | bool:
    """Write our time type as what the database sees, so that old migrations import nothing."""
    return "sa.DateTime(timezone=True)" if isinstance(item, UtcDateTime) else False


def run() -> None:
    """Bring the database to the revision that was asked for, in one transaction."""
    options = dict(current_app.extensions["migrate"].configure_args)
    with db.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_item=render_item,
            process_revision_directives=number_revision,
            # Alembic does not trust SQLite with transactions; ours begin by our own hand.
            transactional_ddl=True,
            **options,
        )
        with context.begin_transaction():
            if connection.dialect.name == "postgresql":
                # Another node's migration, and our own, may take as long as they take.
                connection.execute(text("SET LOCAL lock_timeout = 0"))
                connection.execute(text("SET LOCAL statement_timeout = 0"))
                connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
            context.run_migrations()


run()
