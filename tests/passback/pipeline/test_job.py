"""One grade's work, seen from its rows: what a full platform leaves, and what one score costs."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, update

from lti_bridge.core.db import db
from lti_bridge.lms.moodle import MOODLE
from lti_bridge.lti.values import SCOPE_LINE_ITEM, SCOPE_RESULT_READ, SCOPE_SCORE
from lti_bridge.passback.actions.history import tell
from lti_bridge.passback.models import Score, ScoreTry
from lti_bridge.passback.pipeline import job
from lti_bridge.passback.pipeline.job import wake_called, work_grade
from lti_bridge.passback.pipeline.throttle import PlatformGate
from lti_bridge.platforms.keys import ensure_keys
from lti_bridge.platforms.registry import platform_values
from lti_bridge.registrations.models import Grade, Registration, ResourceLink
from lti_bridge.services import Services
from tests.conftest import FakeClock
from tests.mini_platform import MiniPlatform, Reply
from tests.rows import add_due_grade, add_link, add_registration
from tests.world import count

TOKEN = {"access_token": "t", "token_type": "Bearer", "expires_in": 3600}


@pytest.fixture
def grade(services: Services, clock: FakeClock, platform: MiniPlatform) -> Grade:
    """A finished course whose grade is due to be sent, to an LMS that takes everything."""
    platform.routes[("POST", "/token")] = Reply(body=TOKEN)
    platform.routes[("POST", "/items/1/scores")] = Reply()
    platform.routes[("GET", "/items/1/results")] = Reply(body=[])
    ensure_keys(services.signer, now=clock())
    link = add_link(clock(), line_item_url=f"{platform.url}/items/1")
    link.deployment.platform.token_url = f"{platform.url}/token"
    return add_due_grade(clock(), add_registration(clock(), link))


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


def test_score_costs_few_transactions(services: Services, gate: PlatformGate, grade: Grade) -> None:
    """Moodle's first score, by far the dearest: claim; intent and bytes; acceptance; the end."""
    for scope in (SCOPE_SCORE, SCOPE_RESULT_READ):
        services.tokens.get(platform_values(grade.platform), [scope])
    db.session.commit()

    with counted() as counts:
        assert work_grade(services, gate, grade.id)

    assert [one.state for one in db.session.query(Score)] == ["accepted"]
    assert (count(ScoreTry), reread(grade).next_send_at) == (1, None)
    assert counts["commits"] == 4
    # SQLite's BEGIN counts, too.
    assert counts["statements"] <= 26


def test_full_platform_leaves_the_row_as_it_was(
    services: Services, gate: PlatformGate, grade: Grade
) -> None:
    for other in range(services.settings.passback.parallel_posts):
        gate.enter(grade.platform_id, 1000 + other, MOODLE)
    before = reread(grade).next_send_at

    assert not work_grade(services, gate, grade.id)

    kept = reread(grade)
    assert (kept.next_send_at, kept.lease_token, count(Score)) == (before, None, 0)


def test_grade_without_work_is_left_alone(
    services: Services, gate: PlatformGate, grade: Grade
) -> None:
    work_grade(services, gate, grade.id)

    assert not work_grade(services, gate, grade.id)
    assert count(ScoreTry) == 1


def test_who_leaves_a_full_platform_wakes_the_next(
    services: Services, gate: PlatformGate, grade: Grade
) -> None:
    """However often it is tried meanwhile: one job comes of it, when there is a place."""
    woken: list[int] = []
    vars(services.queue)["enqueue"] = lambda _, grade_id: woken.append(grade_id)
    places = services.settings.passback.parallel_posts
    for other in range(places):
        gate.enter(grade.platform_id, 1000 + other, MOODLE)
    for _ in range(5):
        assert not work_grade(services, gate, grade.id)
    assert woken == []

    gate.leave(grade.platform_id, answered=True)
    wake_called(services, gate.take_called())

    assert woken == [grade.id]
    assert work_grade(services, gate, grade.id)
    assert [one.state for one in db.session.query(Score)] == ["accepted"]


def grants(grade: Grade, *scopes: str, **link: str | None) -> None:
    """Let the link's newest claim have granted these scopes."""
    values = {"service_scopes": list(scopes), **link}
    db.session.execute(update(ResourceLink).values(values))
    db.session.commit()


def posts(platform: MiniPlatform) -> int:
    return len(platform.requests_to("/items/1/scores"))


def test_no_score_without_its_scope(
    services: Services, gate: PlatformGate, grade: Grade, platform: MiniPlatform, clock: FakeClock
) -> None:
    grants(grade, SCOPE_LINE_ITEM, SCOPE_RESULT_READ)

    work_grade(services, gate, grade.id)

    kept = reread(grade)
    assert platform.asked == []
    assert [one.state for one in db.session.query(Score)] == ["queued"]
    assert "scope score" in str(kept.decision_reason)
    assert kept.next_send_at == clock() + timedelta(minutes=10)


def test_score_goes_when_its_scope_is_there(
    services: Services, gate: PlatformGate, grade: Grade, platform: MiniPlatform, clock: FakeClock
) -> None:
    grants(grade)
    work_grade(services, gate, grade.id)
    grants(grade, SCOPE_SCORE)
    clock.advance(3600)

    work_grade(services, gate, grade.id)

    assert [one.state for one in db.session.query(Score)] == ["accepted"]
    assert (posts(platform), reread(grade).waits_for_line_item) == (1, False)


def test_refused_token_says_why_on_the_score(
    services: Services, gate: PlatformGate, grade: Grade, platform: MiniPlatform
) -> None:
    said = {"error": "invalid_client", "error_description": "JWS signature invalid."}
    platform.routes[("POST", "/token")] = Reply(400, said)

    work_grade(services, gate, grade.id)

    kept = reread(grade)
    assert "It says: JWS signature invalid." in str(kept.decision_reason)
    made = db.session.query(ScoreTry).one()
    assert (made.status, made.excerpt) == (400, "JWS signature invalid.")
    registration = db.session.query(Registration).one()
    assert "The LMS said: JWS signature invalid." in tell(registration, services.now())
    db.session.commit()


def test_always_refused_score_ends_in_a_sentence(
    services: Services, gate: PlatformGate, grade: Grade, platform: MiniPlatform, clock: FakeClock
) -> None:
    """The token endpoint is content, the scores endpoint never."""
    platform.routes[("POST", "/items/1/scores")] = Reply(401)

    work_grade(services, gate, grade.id)
    for _ in range(5):
        clock.advance(60)
        work_grade(services, gate, grade.id)

    assert posts(platform) == 2
    # One for results, and two for scores.
    assert len(platform.requests_to("/token")) == 3
    assert "does not accept the tool's access token" in str(reread(grade).decision_reason)


@pytest.mark.parametrize(
    "token, items, granted, said",
    [
        (Reply(body=TOKEN), Reply(403), None, "it answered 403"),
        (Reply(body=TOKEN), Reply(404), None, "it answered 404"),
        (Reply(body=TOKEN), Reply(401), None, "it answered 401"),
        (Reply(400, {"error": "invalid_scope"}), Reply(), None, "it answered 400"),
        (
            Reply(400, {"error": "x", "error_description": "No key."}),
            Reply(),
            None,
            "says: No key.",
        ),
        (Reply(body=TOKEN), Reply(), [SCOPE_SCORE], "scope lineitem.readonly"),
        (Reply(body=TOKEN), Reply(body=[]), None, "has no gradebook column yet"),
    ],
    ids=[
        "list is forbidden",
        "list is not found",
        "list is unauthorized",
        "token lacks the scope",
        "token is refused with words",
        "scope was not granted",
        "list is empty",
    ],
)
def test_refused_list_is_no_missing_column(
    services: Services,
    gate: PlatformGate,
    grade: Grade,
    platform: MiniPlatform,
    token: Reply,
    items: Reply,
    granted: list[str] | None,
    said: str,
) -> None:
    platform.routes[("POST", "/token")] = token
    platform.routes[("GET", "/items")] = items
    link = {"line_item_url": None, "line_items_url": f"{platform.url}/items"}
    db.session.execute(update(ResourceLink).values({"service_scopes": granted, **link}))
    db.session.commit()

    work_grade(services, gate, grade.id)

    reason = str(reread(grade).decision_reason)
    assert said in reason
    assert ("no gradebook column" in reason) is (said == "has no gradebook column yet")
    assert [one.state for one in db.session.query(Score)] == ["queued"]


@pytest.mark.parametrize(
    ("throttled", "said"),
    [(True, "asks for fewer requests"), (False, "or as soon as a launch shows that it is back")],
    ids=["throttled", "unavailable"],
)
def test_pause_is_told_as_what_it_is(
    services: Services,
    gate: PlatformGate,
    grade: Grade,
    clock: FakeClock,
    throttled: bool,
    said: str,
) -> None:
    grade.platform.paused_until = clock() + timedelta(minutes=5)
    grade.platform.is_throttled = throttled
    db.session.commit()

    work_grade(services, gate, grade.id)

    assert said in (reread(grade).decision_reason or "")


@pytest.mark.parametrize("long", [False, True], ids=["within its turn", "after its turn"])
def test_thread_that_leaves_goes_on_with_the_next(
    services: Services,
    gate: PlatformGate,
    grade: Grade,
    monkeypatch: pytest.MonkeyPatch,
    long: bool,
) -> None:
    """By the queue another process, which is full, might take its job; not permanently, though."""
    woken: list[int] = []
    vars(services.queue)["enqueue"] = lambda _, grade_id: woken.append(grade_id)
    monkeypatch.setattr(job, "TURN_SECONDS", 0.0 if long else 60.0)
    places = services.settings.passback.parallel_posts
    for other in range(places):
        gate.enter(grade.platform_id, 1000 + other, MOODLE)
    assert not work_grade(services, gate, grade.id)  # it is remembered
    gate.leave(grade.platform_id, answered=True)

    work_grade(services, gate, 10**6)  # a grade that is no more

    assert woken == ([grade.id] if long else [])
    assert [one.state for one in db.session.query(Score)] == ([] if long else ["accepted"])
