"""Migrations lead an empty database to exactly the schema that the rows describe."""

import json
import re
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import create_engine, inspect, select, text

from lti_bridge.app import create_app
from lti_bridge.core.config import Settings, environment_without_settings
from lti_bridge.core.db import db, sqlalchemy_url
from lti_bridge.core.errors import ConfigurationError
from lti_bridge.core.migrate import know_migrations, migrate_database, require_newest_schema
from lti_bridge.core.paths import shipped
from lti_bridge.lti.memberships import SCOPE_MEMBERSHIPS
from lti_bridge.registrations.models import ResourceLink
from tests.conftest import close_app, empty_postgresql_database, make_settings

VERSIONS = sorted(path.name for path in (shipped("migrations") / "versions").glob("*.py"))
SHARED = ("data_dir", "database_url", "queue_url", "secret_key")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind that we support."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'bridge.sqlite3'}"
        return
    with empty_postgresql_database() as url:
        yield url


@pytest.fixture
def empty(settings: Settings, clock) -> Iterator[Flask]:
    """An app on an empty database."""
    app = create_app(settings, now=clock)
    yield app
    with app.app_context():
        db.engine.dispose()
        app.extensions["lti_bridge"].queue.close()


def test_migrated_database_equals_the_rows(empty):
    migrate_database(empty)

    with empty.app_context(), db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        difference = compare_metadata(context, db.metadata)
    assert difference == []


def test_names_of_constraints_are_the_rows(empty):
    migrate_database(empty)

    with empty.app_context():
        found = inspect(db.engine)
        for table in db.metadata.sorted_tables:
            wanted = {str(index.name) for index in table.indexes}
            wanted |= {str(c.name) for c in table.constraints if c.name}
            names = {str(index["name"]) for index in found.get_indexes(table.name)}
            names |= {str(c["name"]) for c in found.get_unique_constraints(table.name)}
            names |= {str(c["name"]) for c in found.get_foreign_keys(table.name)}
            # SQLite names no primary key that counts on.
            names |= {str(found.get_pk_constraint(table.name)["name"] or f"pk_{table.name}")}
            assert wanted == names, table.name


def test_migrating_twice_changes_nothing(empty):
    first = migrate_database(empty)

    second = migrate_database(empty)

    assert first[0] is None
    assert second == (first[1], first[1])


def test_nodes_migrate_at_the_same_moment(empty, settings, tmp_path):
    config = tmp_path / "node.toml"
    lines = [f"{key} = {json.dumps(str(getattr(settings, key)))}" for key in SHARED]
    config.write_text("\n".join(lines))
    command = [sys.executable, "-m", "lti_bridge", "--config", str(config), "migrate"]
    environment = environment_without_settings()

    nodes = [subprocess.Popen(command, env=environment) for _ in range(3)]

    assert [node.wait() for node in nodes] == [0, 0, 0]
    require_newest_schema(empty)


def test_migration_outwaits_a_process_that_holds_the_file(tmp_path, clock, monkeypatch):
    """Longer than SQLite waits by itself."""
    path = tmp_path / "bridge.sqlite3"
    monkeypatch.setattr("lti_bridge.core.db.BUSY_TIMEOUT_SECONDS", 1)
    app = create_app(make_settings(f"sqlite:///{path}", tmp_path), now=clock)
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("PRAGMA journal_mode = WAL")
    other.execute("BEGIN IMMEDIATE")
    end = threading.Timer(2.5, lambda: other.execute("COMMIT"))
    end.start()

    assert migrate_database(app) == (None, VERSIONS[-1][:4])
    end.join()
    other.close()
    close_app(app)


@pytest.mark.postgresql
@pytest.mark.parametrize("limit", ["lock_timeout", "statement_timeout"])
def test_migration_outwaits_another_node(tmp_path, clock, limit):
    """Longer than PostgreSQL is given otherwise."""
    with empty_postgresql_database() as url:
        options = f"options=-c%20{limit}%3D100ms"
        app = create_app(make_settings(f"{url}?{options}", tmp_path), now=clock)
        other = create_engine(sqlalchemy_url(url))
        holder = other.connect()
        holder.execute(text("SELECT pg_advisory_xact_lock(7205127)"))
        end = threading.Timer(0.5, holder.close)
        end.start()

        assert migrate_database(app) == (None, VERSIONS[-1][:4])
        end.join()
        other.dispose()
        close_app(app)


def test_empty_database_is_refused(empty):
    with pytest.raises(ConfigurationError, match="run `lti-bridge migrate`"):
        require_newest_schema(empty)


def test_node_of_the_release_before_goes_on(empty, caplog):
    """A newer release is being rolled out: this node may even start again."""
    migrate_database(empty)
    with empty.app_context(), db.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    require_newest_schema(empty)

    assert "newer than this version of the bridge: update this node soon" in caplog.text
    with pytest.raises(ConfigurationError, match="newer than this version of the bridge"):
        migrate_database(empty)


def test_migrations_leave_what_the_release_before_uses(empty):
    """It inserts rows without the new columns, and reads every old one."""
    shapes = []
    for name in VERSIONS:
        with empty.app_context():
            know_migrations(empty)
            upgrade(revision=name[:4])
            shapes.append(_shape())

    for before, after in pairwise(shapes):
        for table, columns in before.items():
            assert columns.keys() <= after[table].keys(), table
            added = after[table].keys() - columns.keys()
            assert all(after[table][column] for column in added), table


def _shape() -> dict[str, dict[str, bool]]:
    """Return each table's columns, and whether a row may do without them."""
    found = inspect(db.engine)
    return {
        table: {
            column["name"]: column["nullable"] or column["default"] is not None
            for column in found.get_columns(table)
        }
        for table in found.get_table_names()
    }


def test_migrations_are_numbered_without_gaps():
    numbers = [int(name[:4]) for name in VERSIONS]
    chain = list(ScriptDirectory(str(shipped("migrations"))).walk_revisions())

    assert [script.revision for script in reversed(chain)] == [name[:4] for name in VERSIONS]

    assert numbers == list(range(1, len(VERSIONS) + 1))
    assert all(re.fullmatch(r"\d{4}_[a-z0-9_]+\.py", name) for name in VERSIONS)


OLD_ROWS = (
    "INSERT INTO platform (id, identity, name, issuer, client_id, authorization_url, token_url, "
    "jwks_url, dialect, privacy, frame_origins, created_at) VALUES (1, 'p', 'School', 'i', 'c', "
    "'a', 't', 'j', 'moodle', 'named', '[]', '2026-11-02')",
    "INSERT INTO deployment (id, platform_id, deployment_id, identity, status, created_at) "
    "VALUES (1, 1, '1', 'd', 'active', '2026-11-02')",
)


def test_second_migration_keeps_connected_lmss(empty):
    with empty.app_context():
        know_migrations(empty)
        upgrade(revision="0001")
        with db.engine.begin() as connection:
            for statement in OLD_ROWS:
                connection.execute(text(statement))

    migrate_database(empty)

    with empty.app_context():
        platform = db.session.execute(text("SELECT name, succeeds_id FROM platform")).one()
        deployments = db.session.execute(text("SELECT deployment_id FROM deployment")).all()
        db.session.rollback()
    assert (tuple(platform), len(deployments)) == (("School", None), 1)


def test_launches_keep_their_numbers(empty):
    """Exit addresses name them: the table is made anew on SQLite, and counts on from them."""
    know_migrations(empty)
    with empty.app_context():
        upgrade(revision="0005")
        with db.engine.begin() as connection:
            for statement in (*OLD_ROWS, *OLD_LAUNCH):
                connection.execute(text(statement))

    migrate_database(empty)

    with empty.app_context():
        launches = db.session.execute(text("SELECT id, cookie_rung FROM launch")).all()
        db.session.execute(text("DELETE FROM launch"))
        db.session.execute(text(OLD_LAUNCH[-1].replace("(id, ", "(").replace("(40, ", "(")))
        if db.engine.dialect.name == "sqlite":
            assert db.session.scalar(text("SELECT id FROM launch")) == 41
        db.session.rollback()
    assert [tuple(row) for row in launches] == [(40, "cookie")]


def test_known_scopes_stay_known(empty):
    """An empty list stood for "not known"; the roster's scope was told by its address."""
    link = (
        "INSERT INTO resource_link (id, deployment_identity, resource_link_id, deployment_id, "
        "attempts_allowed, service_scopes, memberships_url, created_at, launched_at) "
        "VALUES ({0}, 'd', 'r{0}', 1, 1, '{1}', {2}, '2026-11-02', '2026-11-02')"
    )
    with empty.app_context():
        know_migrations(empty)
        upgrade(revision="0011")
        with db.engine.begin() as connection:
            for statement in (
                *OLD_ROWS,
                link.format(1, "[]", "'https://lms.example/members'"),
                link.format(2, '["score"]', "NULL"),
                link.format(3, '["score"]', "'https://lms.example/members'"),
            ):
                connection.execute(text(statement))

    migrate_database(empty)

    with empty.app_context():
        query = select(ResourceLink.service_scopes).order_by(ResourceLink.id)
        kept = db.session.scalars(query).all()
        db.session.rollback()
    assert kept == [None, ["score"], [SCOPE_MEMBERSHIPS, "score"]]


OLD_LAUNCH = (
    "INSERT INTO scorm_account (id, name, base_url, app_id, secret_encrypted, created_at) "
    "VALUES (1, 'default', 'b', 'a', 's', '2026-11-02')",
    "INSERT INTO resource_link (id, deployment_identity, resource_link_id, deployment_id, "
    "attempts_allowed, service_scopes, created_at, launched_at) "
    "VALUES (1, 'd', 'r', 1, 1, '[]', '2026-11-02', '2026-11-02')",
    "INSERT INTO learner (id, platform_id, platform_identity, sub, scorm_learner_id, created_at) "
    "VALUES (1, 1, 'p', 's', 'l', '2026-11-02')",
    "INSERT INTO registration (id, registration_id, resource_link_id, learner_id, course_id, "
    "attempt, scorm_account_id, opened_at, recovered, completion, success, seconds_tracked, "
    "submission_accepted) VALUES (1, 'r', 1, 1, 'golf', 1, 1, '2026-11-02', false, 'UNKNOWN', "
    "'UNKNOWN', 0, false)",
    "INSERT INTO launch (id, registration_id, launched_at, cookie_rung, correlation_id, "
    'known_completion, known_success, "overlaps", looks, history_looks, ended) '
    "VALUES (40, 1, '2026-11-02', 'cookie', 'c', 'UNKNOWN', 'UNKNOWN', false, 0, 0, false)",
)
