"""A launch that has not committed when a learner's rows are to go."""

import threading
import time

import pytest
from flask import Flask
from sqlalchemy import text

from lti_bridge.core.db import db
from lti_bridge.privacy.erasure.run import erase_learner
from tests.privacy.people import People

pytestmark = pytest.mark.postgresql


@pytest.fixture
def database_url(postgresql_url: str) -> str:
    """SQLite has one lock for everything."""
    return postgresql_url


LAUNCH = """INSERT INTO registration (registration_id, resource_link_id, learner_id, course_id,
    attempt, scorm_account_id, opened_at, recovered, completion, success, seconds_tracked,
    submission_accepted)
  SELECT 'new', resource_link_id, learner_id, 'tennis', 1, scorm_account_id, opened_at, false,
    'UNKNOWN', 'UNKNOWN', 0, false FROM registration WHERE learner_id = :id LIMIT 1"""


def test_launch_under_way_is_seen(app: Flask, people: People) -> None:
    """It has not committed yet when the rows are to go."""
    states: list[str] = []

    def erase() -> None:
        with app.app_context():
            report = erase_learner(people.world.services, people.alice, sleep=lambda _: None)
            states.append(report.state)

    other = threading.Thread(target=erase)
    with db.engine.connect() as launch:
        whom = {"id": people.alice}
        launch.execute(text("SELECT id FROM learner WHERE id = :id FOR KEY SHARE"), whom)
        launch.execute(text(LAUNCH), whom)
        other.start()
        wait_until_blocked(other, launch.scalar(text("SELECT pg_backend_pid()")))
        launch.commit()
    other.join(timeout=30)

    assert states == ["open"]
    assert "new" in people.registrations_of(people.alice)


def wait_until_blocked(other: threading.Thread, launch: int) -> None:
    """Wait until the other one waits for the launch, or has ended without that."""
    blocked = text("SELECT count(*) FROM pg_locks WHERE :launch = ANY(pg_blocking_pids(pid))")
    ends = time.monotonic() + 10
    with db.engine.connect() as watch:
        while other.is_alive() and not watch.scalar(blocked, {"launch": launch}):
            watch.rollback()
            assert time.monotonic() < ends, "it neither waits nor ends"
            time.sleep(0.02)
