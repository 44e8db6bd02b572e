"""One grade's work, seen from its rows: what a full platform leaves, and what one score costs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from lti_bridge.db import db
from lti_bridge.lti.values import GRADE_SCOPES
from lti_bridge.passback.models import Score, ScoreTry
from lti_bridge.passback.platform_gate import PlatformGate
from lti_bridge.passback.workflow import work_grade
from lti_bridge.platforms.keys import ensure_keys
from lti_bridge.platforms.registry import platform_values
from lti_bridge.registrations.marks import mark_due
from lti_bridge.registrations.models import Grade
from lti_bridge.services import Services
from tests.conftest import FakeClock
from tests.mini_platform import MiniPlatform, Reply
from tests.rows import add_grade, add_launch, add_link, add_registration
from tests.world import count

TOKEN = {"access_token": "t", "token_type": "Bearer", "expires_in": 3600}


@pytest.fixture
def gate(app: Flask) -> PlatformGate:
    found: PlatformGate = app.extensions["platform_gate"]
    return found


@pytest.fixture
def grade(services: Services, clock: FakeClock, platform: MiniPlatform) -> Grade:
    """A finished course whose grade is due to be sent, to an LMS that takes everything."""
    platform.routes[("POST", "/token")] = Reply(body=TOKEN)
    platform.routes[("POST", "/items/1/scores")] = Reply()
    ensure_keys(services.signer, now=clock())
    link = add_link(clock(), line_item_url=f"{platform.url}/items/1")
    link.deployment.platform.token_url = f"{platform.url}/token"
    seat = add_registration(clock(), link)
    seat.created_at = seat.launched_at = clock()
    add_launch(clock(), seat, exited_at=clock(), settled_at=clock())
    grade = add_grade(clock(), seat)
    mark_due(grade.id, "send", clock())
    db.session.commit()
    return grade


def reread(grade: Grade) -> Grade:
    found = db.session.get_one(Grade, grade.id, populate_existing=True)
    db.session.commit()
    return found


@contextmanager
def counted() -> Iterator[dict[str, int]]:
    """Count what the database is asked."""
    counts = {"statements": 0, "commits": 0}

    def add(what: str) -> Any:
        return lambda *_: counts.__setitem__(what, counts[what] + 1)

    heard = {"before_cursor_execute": add("statements"), "commit": add("commits")}
    for name, listen in heard.items():
        event.listen(db.engine, name, listen)
    yield counts
    for name, listen in heard.items():
        event.remove(db.engine, name, listen)


def test_score_costs_two_transactions(services: Services, gate: PlatformGate, grade: Grade) -> None:
    """Claim, decision, intent and bytes; outcome and giving back. The access token is there."""
    services.tokens.get(platform_values(grade.platform), GRADE_SCOPES)
    db.session.commit()

    with counted() as counts:
        assert work_grade(services, gate, grade.id)

    assert [one.state for one in db.session.query(Score)] == ["accepted"]
    assert (count(ScoreTry), reread(grade).next_send_at) == (1, None)
    assert counts["commits"] == 2
    # SQLite's BEGIN counts, too.
    assert counts["statements"] <= 19


def test_full_platform_leaves_the_row_as_it_was(
    services: Services, gate: PlatformGate, grade: Grade
) -> None:
    later: list[tuple[int, float]] = []
    queue: Any = services.queue
    vars(queue)["enqueue_later"] = lambda _, grade_id, wait: later.append((grade_id, wait))
    for _ in range(services.settings.passback.parallel_posts):
        gate.enter(grade.platform_id, "moodle")
    before = reread(grade).next_send_at

    assert not work_grade(services, gate, grade.id)

    kept = reread(grade)
    assert (kept.next_send_at, kept.lease_token, count(Score)) == (before, None, 0)
    assert [one for one, wait in later if wait > 0] == [grade.id]


def test_grade_that_nobody_waits_for_is_left_alone(
    services: Services, gate: PlatformGate, grade: Grade
) -> None:
    work_grade(services, gate, grade.id)

    assert not work_grade(services, gate, grade.id)
    assert count(ScoreTry) == 1


def test_place_that_comes_in_a_moment_is_waited_for(
    services: Services, gate: PlatformGate, grade: Grade, clock: FakeClock
) -> None:
    """Posts that take no time: the turns lie close together."""
    places = services.settings.passback.parallel_posts
    for _ in range(60):
        gate.enter(grade.platform_id, "moodle")
        gate.leave(grade.platform_id, answered=True)
    for _ in range(places):
        gate.enter(grade.platform_id, "moodle")
    wait = gate.find_turn

    def leave_then_find(platform_id: int) -> float:
        found = wait(platform_id)
        if found:
            gate.leave(platform_id, answered=True)
        return found

    vars(gate)["find_turn"] = leave_then_find

    assert work_grade(services, gate, grade.id)

    assert [one.state for one in db.session.query(Score)] == ["accepted"]
