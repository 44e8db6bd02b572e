"""What a launch costs: statements, transactions and calls, counted; and no connection held."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from sqlalchemy import event, update

from lti_bridge.core.db import db
from lti_bridge.platforms.models import Platform
from tests.world import World, code

BOUNDARIES = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT")
FIRST, LATER = ["HEAD registrations", "POST registrations", "POST launchLink"], ["POST launchLink"]


@dataclass
class Cost:
    """What the bridge did for one login + launch pair."""

    statements: list[str] = field(default_factory=list)
    commits: int = 0
    calls: list[str] = field(default_factory=list)
    lms_calls: int = 0


@contextmanager
def counting(world: World) -> Iterator[Cost]:
    cost, known = Cost(), len(world.platform.asked)
    world.cloud.asked.clear()

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith(BOUNDARIES):
            cost.statements.append(statement)

    def commit(_connection: Any) -> None:
        cost.commits += 1

    event.listen(db.engine, "before_cursor_execute", note)
    event.listen(db.engine, "commit", commit)
    try:
        yield cost
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
        event.remove(db.engine, "commit", commit)
    cost.calls = list(world.cloud.asked)
    cost.lms_calls = len(world.platform.asked) - known


@pytest.mark.parametrize(
    "sub, statements, commits, calls",
    [("bob", 11, 3, FIRST), ("alice", 6, 1, LATER)],
    ids=["first launch", "later launch"],
)
def test_launch_costs_at_most(
    world: World, sub: str, statements: int, commits: int, calls: list[str]
) -> None:
    world.launch(sub="alice")  # the link and the platform's keys are known by now

    with counting(world) as cost:
        response = world.launch(sub=sub)

    assert response.status_code == 303
    assert len(cost.statements) <= statements, "\n".join(cost.statements)
    assert cost.commits <= commits
    assert cost.calls == calls
    assert cost.lms_calls == 0


def test_held_connection_never_waits(world: World) -> None:
    """Every call to SCORM Cloud finds all connections of the pool at home."""
    held: list[int] = []
    pool: Any = db.engine.pool
    world.cloud.disturb = lambda method, path, carry_on: held.append(pool.checkedout())
    db.session.remove()

    assert world.launch().status_code == 303
    assert world.launch().status_code == 303

    assert held == [0, 0, 0, 0]


@pytest.mark.parametrize(
    "edit, reason",
    [
        ({"issuer": "https://moved.example"}, "wrong_issuer"),
        ({"client_id": "client-9"}, "wrong_audience"),
        ({"jwks_url": "http://127.0.0.1:9/jwks"}, "keys_unavailable"),
    ],
    ids=["issuer", "client id", "key set"],
)
def test_edited_platform_counts_at_once(world: World, edit: dict[str, str], reason: str) -> None:
    """What the process remembers of a platform lets no launch in by outdated values."""
    world.launch()
    form = world.launch_form()
    db.session.execute(update(Platform).values(**edit))
    db.session.commit()

    response = world.browser.post("/lti/launch", data=form)

    assert code(response) == reason


def test_switched_off_platform_counts_at_once(world: World) -> None:
    world.launch()
    form = world.launch_form()
    db.session.execute(update(Platform).values(disabled_at=world.services.now()))
    db.session.commit()

    response = world.browser.post("/lti/launch", data=form)

    assert code(response) == "platform_disabled"


def test_repaired_platform_counts_at_once(world: World) -> None:
    """A launch that only fails by what is remembered is verified anew."""
    world.launch()
    known = world.services.platforms
    known.update(
        {name: replace(values, issuer="https://moved.example") for name, values in known.items()}
    )

    response = world.launch()

    assert response.status_code == 303
    assert {values.issuer for values in known.values()} == {world.platform.url}
