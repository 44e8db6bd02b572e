"""Which processes run: their signs of life, and what the overview makes of them."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from lti_bridge.core import clock as clocks
from lti_bridge.core.db import db
from lti_bridge.ops import processes
from lti_bridge.ops.models import NodeProcess
from lti_bridge.ops.processes import FORGOTTEN_AFTER, WEB, WORKER, Heartbeat
from lti_bridge.platforms.models import ToolKey
from tests.console.visitors import sign_in_admin, sign_in_owner
from tests.story.stage import wait_for
from tests.world import World


@pytest.fixture
def owner(app: Flask, world: World) -> FlaskClient:
    return sign_in_owner(app.test_client(), world.services)


def text_of(browser: FlaskClient) -> str:
    page = browser.get("/console/")
    assert page.status_code == 200
    return " ".join(page.text.split())


def kinds() -> list[str]:
    there = select(NodeProcess.kind).where(NodeProcess.ended_at.is_(None))
    found = list(db.session.scalars(there.order_by(NodeProcess.kind)))
    db.session.commit()
    return found


def change(**values: Any) -> None:
    db.session.execute(update(NodeProcess).where(NodeProcess.kind == WORKER).values(values))
    db.session.commit()


@pytest.fixture
def running(world: World) -> list[Heartbeat]:
    """A web process and a worker that were heard of just now."""
    beats = [Heartbeat(world.services, kind) for kind in (WEB, WORKER)]
    for one in beats:
        one.beat()
    return beats


def test_living_processes_need_no_action(owner: FlaskClient, running: list[Heartbeat]) -> None:
    page = text_of(owner)

    assert "Nothing is wrong." in page
    assert page.count('<span class="tone good">alive</span>') == 2
    assert page.count("<td>right</td>") == 2


def test_beat_renews_the_row(world: World, clock: Any, running: list[Heartbeat]) -> None:
    started = db.session.scalars(select(NodeProcess.started_at)).all()
    db.session.commit()

    now = clock.advance(30)
    running[0].beat()

    row = db.session.scalars(select(NodeProcess).where(NodeProcess.kind == WEB)).one()
    assert (row.seen_at, row.started_at) == (now, started[0])
    assert kinds() == [WEB, WORKER]


def test_process_that_was_killed_is_shown(
    owner: FlaskClient, clock: Any, running: list[Heartbeat]
) -> None:
    clock.advance(120)
    running[0].beat()

    page = text_of(owner)

    assert "No worker runs" in page
    assert "Nothing is wrong." not in page


def test_process_that_ends_is_not_missed(
    app: Flask, owner: FlaskClient, running: list[Heartbeat]
) -> None:
    running[1].end(app)

    assert kinds() == [WEB]
    assert "No worker runs" in text_of(owner)


def test_silent_row_goes_after_a_day(clock: Any, running: list[Heartbeat]) -> None:
    clock.advance(FORGOTTEN_AFTER.total_seconds() + 1)

    running[0].beat()

    assert kinds() == [WEB]


def test_clock_that_is_off_is_told(owner: FlaskClient, running: list[Heartbeat]) -> None:
    change(clock_ahead_seconds=-61.0)

    page = text_of(owner)

    assert "is -61 s from the database" in page
    assert "Nothing is wrong." not in page


def test_clock_is_measured(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    real = clocks.read_database_time
    behind = timedelta(seconds=60)
    monkeypatch.setattr(clocks, "read_database_time", lambda engine: real(engine) - behind)

    Heartbeat(world.services, WEB).beat()

    ahead = db.session.scalars(select(NodeProcess.clock_ahead_seconds)).one()
    assert 59 < ahead < 90


def test_two_versions_are_told(owner: FlaskClient, running: list[Heartbeat]) -> None:
    change(version="0.0.1")

    assert "Different versions run: 0.0.1, " in text_of(owner)


def test_database_that_is_away_ends_no_heartbeat(
    app: Flask, world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    db.session.execute(db.text("DROP TABLE node_process"))
    db.session.commit()
    one = Heartbeat(world.services, WEB)

    one.end(app)

    assert "no sign of life was written" in caplog.text


def test_thread_beats(app: Flask, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "BEAT_SECONDS", 0.01)
    one = Heartbeat(world.services, WEB)
    one.start(app)
    try:
        wait_for(lambda: kinds() == [WEB], "a beat")
    finally:
        one.end(app)


def test_processes_are_the_owners_business(
    world: World, owner: FlaskClient, running: list[Heartbeat]
) -> None:
    change(clock_ahead_seconds=-61.0)

    page = text_of(sign_in_admin(world))

    assert "Processes" not in page
    assert "from the database" not in page


def test_old_signing_key_is_due(world: World, owner: FlaskClient, clock: Any) -> None:
    assert "has been in use since" not in text_of(owner)
    db.session.execute(
        update(ToolKey).values(state_changed_at=world.services.now() - timedelta(days=366))
    )
    db.session.commit()

    assert "The signing key has been in use since 2025-11-01" in text_of(owner)
