"""Closed tabs and lost postbacks: the sweep and the single reads find what was not announced."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from lti_bridge.core.config import Settings
from lti_bridge.core.db import db
from lti_bridge.passback.models import SweepCursor
from lti_bridge.passback.triggers.sweep import OVERLAP, recheck_unresolved, sweep_accounts
from lti_bridge.registrations.models import Grade, Registration
from tests.conftest import with_settings
from tests.story.stage import Stage, close_stage, open_stage

PASSED = {"completion": "COMPLETED", "success": "PASSED", "seconds": 60}


@pytest.fixture
def stage(settings: Settings) -> Iterator[Stage]:
    """A stage whose SCORM Cloud sends no postbacks; a test starts the worker when it wants one."""
    stage = open_stage(with_settings(settings, scorm_cloud={"postbacks": "off"}), "moodle")
    yield stage
    close_stage(stage)


def sweep(stage: Stage, *, now: bool = True) -> int:
    """Sweep in this process; `now` makes the sweep due."""
    with stage.app.app_context():
        if now:
            db.session.execute(update(SweepCursor).values(next_sweep_at=None))
            db.session.commit()
        return sweep_accounts(stage.services)


def cursor(stage: Stage) -> SweepCursor:
    with stage.app.app_context():
        return db.session.scalars(select(SweepCursor)).one()


def lists_asked(stage: Stage) -> int:
    return stage.requests_of(stage.cloud).get("GET /registrations", 0)


def finish_without_exit(stage: Stage, scaled: float, name: str = "alice") -> str:
    registration = stage.person(name).open_player(stage.activities["Fire safety"])
    stage.finish_course(registration, **PASSED, scaled=scaled)
    return registration


def test_sweep_brings_the_grade_of_a_closed_tab(stage: Stage) -> None:
    finish_without_exit(stage, 64)

    assert sweep(stage) == 1
    stage.start_worker()

    stage.wait_for_grade("alice", stage.activities["Fire safety"], 64)
    single = [name for name in stage.requests_of(stage.cloud) if name.startswith("GET /reg")]
    assert single == ["GET /registrations"]


def test_second_sweep_wakes_no_grade_again(stage: Stage) -> None:
    finish_without_exit(stage, 64)
    sweep(stage)

    assert sweep(stage) == 0


def test_cursor_moves_to_the_start_less_an_overlap(stage: Stage) -> None:
    with stage.app.app_context():
        before = stage.services.now()

    sweep(stage)

    since = cursor(stage).since
    assert since is not None
    assert abs((since + OVERLAP - before).total_seconds()) < 5
    swept_at = cursor(stage).swept_at
    assert swept_at is not None and swept_at >= before
    assert cursor(stage).lease_token is None


def test_failed_sweep_leaves_the_cursor(stage: Stage) -> None:
    sweep(stage)
    before = cursor(stage).since, cursor(stage).swept_at
    finish_without_exit(stage, 70)
    stage.set_faults(stage.cloud, error_status=500)

    assert sweep(stage) == 0
    assert (cursor(stage).since, cursor(stage).swept_at) == before
    stage.set_faults(stage.cloud)
    with stage.app.app_context():
        db.session.execute(update(SweepCursor).values(lease_until=None))
        db.session.commit()
    assert sweep(stage) == 1


def test_one_node_sweeps_at_a_time(stage: Stage) -> None:
    sweep(stage)
    with stage.app.app_context():
        ends = stage.services.now() + timedelta(seconds=30)
        db.session.execute(update(SweepCursor).values(lease_token="other", lease_until=ends))
        db.session.commit()
    asked = lists_asked(stage)

    assert sweep(stage) == 0
    assert lists_asked(stage) == asked


def test_next_sweep_waits_its_interval(stage: Stage) -> None:
    sweep(stage)
    asked = lists_asked(stage)

    sweep(stage, now=False)

    assert lists_asked(stage) == asked


def test_many_learners_take_pages_not_single_reads(stage: Stage) -> None:
    for name, score in (("alice", 50), ("ben", 60), ("carla", 70)):
        finish_without_exit(stage, score, name)

    assert sweep(stage) == 3


@pytest.mark.parametrize("hours", [1, 24, 7 * 24], ids=["an hour", "a day", "a week"])
def test_unresolved_registration_is_read_singly(stage: Stage, hours: int) -> None:
    stage.person("alice").open_player(stage.activities["Fire safety"])
    with stage.app.app_context():
        past = stage.services.now() - timedelta(hours=hours)
        moved = {"launched_at": past, "recheck_at": past + timedelta(hours=hours)}
        db.session.execute(update(Registration).values(moved))
        db.session.commit()

        woken = recheck_unresolved(stage.services)

        registration = db.session.scalars(select(Registration)).one()
        grade = db.session.scalars(select(Grade)).one()
    following = {1: 24, 24: 7 * 24}.get(hours)
    assert woken == 1
    assert grade.next_read_at is not None
    assert registration.recheck_at == (
        past + timedelta(hours=following) if following is not None else None
    )
