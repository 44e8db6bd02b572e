"""A node says whether it lives and whether it can serve."""

import dataclasses
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, text

from lti_bridge.core import clock
from lti_bridge.core.db import db
from lti_bridge.ops import health
from lti_bridge.platforms.accounts import ensure_default_account
from lti_bridge.platforms.keys import ensure_keys
from lti_sandbox.practice_scorm_cloud import create_practice_scorm_cloud
from lti_sandbox.server import serve


@pytest.fixture
def ready(app, services):
    """A bridge that has its first key."""
    ensure_keys(services.signer, now=services.now())
    return app.test_client()


def checks(client) -> tuple[int, dict[str, str]]:
    answer = client.get("/readyz")
    return answer.status_code, answer.get_json()["checks"]


def test_process_lives_without_a_database(app):
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("DROP TABLE tool_key"))

    answer = app.test_client().get("/healthz")

    assert (answer.status_code, answer.get_json()) == (200, {"status": "ok"})
    assert answer.headers["Cache-Control"] == "no-store"


def test_ready_node_says_ok(ready):
    status, lines = checks(ready)

    assert status == 200
    assert {name: lines[name] for name in ("database", "queue", "keys", "clock")} == dict.fromkeys(
        ("database", "queue", "keys", "clock"), "ok"
    )


def test_missing_tables_make_it_unready(ready):
    with db.engine.begin() as connection:
        connection.execute(text("DROP TABLE score_try"))
        connection.execute(text("DROP TABLE tool_key"))

    status, lines = checks(ready)

    assert status == 503
    assert lines["keys"].startswith("the database did not answer: ")


class TestSqlite:
    @pytest.fixture
    def database_url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path / 'bridge.db'}"

    @pytest.mark.usefixtures("services")
    def test_database_is_asked_as_a_writer_would(self):
        """A read succeeds beside a lock, or on a full disk, that stops every launch."""
        said: list[str] = []
        event.listen(db.engine, "before_cursor_execute", lambda _c, _cur, sql, *_: said.append(sql))

        health._check_database()

        assert "BEGIN IMMEDIATE" in said


def test_missing_key_makes_it_unready(app):
    status, lines = checks(app.test_client())

    assert (status, lines["keys"]) == (
        503,
        "there is no signing key: run `lti-bridge migrate`",
    )


def test_lost_queue_makes_it_unready(ready, services, tmp_path):
    services.queue.huey().storage.close()
    (tmp_path / "queue.sqlite3").write_bytes(b"not a database at all, " * 100)
    for extra in tmp_path.glob("queue.sqlite3-*"):
        extra.unlink()

    status, lines = checks(ready)

    assert status == 503
    assert lines["queue"].startswith("the queue did not answer: ")


def test_wrong_clock_makes_it_unready(ready, monkeypatch):
    behind = datetime.now(UTC) - timedelta(seconds=60)
    monkeypatch.setattr(clock, "read_database_time", lambda _engine: behind)

    status, lines = checks(ready)

    assert status == 503
    # Or 61: a busy machine may take a second between the two questions.
    assert re.fullmatch(r"this node's clock is \+6[01] s from the database's", lines["clock"])


def watch(app, services, base_url: str) -> health.ScormCloudWatch:
    """Ask SCORM Cloud once, to the end."""
    cloud = dataclasses.replace(services.settings.scorm_cloud, base_url=base_url)
    settings = dataclasses.replace(services.settings, scorm_cloud=cloud)
    ensure_default_account(settings, services.signer, now=services.now())
    watching = health.ScormCloudWatch(app, services)
    watching.read()
    watching.wait()
    return watching


def test_answering_scorm_cloud_is_reported(app, services):
    with serve(create_practice_scorm_cloud()) as cloud:
        watching = watch(app, services, cloud.url + "/api/v2")

    assert watching.read() == "ok"


def test_dead_scorm_cloud_fails_no_probe(app, services):
    ensure_keys(services.signer, now=services.now())

    watching = watch(app, services, "http://127.0.0.1:9/api/v2")

    lines = health.check_readiness(services, watching)
    assert [line.text for line in lines if line.name == "scorm_cloud"] == [
        "127.0.0.1 did not answer: ConnectionError"
    ]
    assert not any(line.failed for line in lines)


def test_no_account_is_reported(app, services):
    watching = health.ScormCloudWatch(app, services)

    watching.read()
    watching.wait()

    assert watching.read() == "no account is configured"


def test_answer_holds_no_secret(ready, services):
    body = json.dumps(checks(ready)[1])

    assert services.settings.secret_key not in body
    assert services.settings.database_url not in body
