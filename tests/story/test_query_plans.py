"""What is asked of the database at work finds its rows by an index: no cost grows with the years.

Every statement of launches, exits, postbacks, workers, timers and pages is caught as it is sent,
and the database is asked how it would find the rows. PostgreSQL is told to avoid full scans, so
that one in a plan means that there was no other way.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, select
from werkzeug.test import TestResponse

from lti_bridge.core.db import db
from lti_bridge.ops.gauges import RowGauges
from lti_bridge.passback.actions.comparison import find_losses, load_comparison
from lti_bridge.passback.models import Score
from lti_bridge.passback.pipeline.job import work_grade
from lti_bridge.passback.tasks import prune_nonces
from lti_bridge.passback.triggers.overdue import run_overdue_rounds
from lti_bridge.passback.triggers.reconcile import reconcile_due
from lti_bridge.passback.triggers.sweep import recheck_unresolved, sweep_accounts
from lti_bridge.registrations.models import Registration
from lti_bridge.registrations.return_urls import exit_url, postback_address
from tests.conftest import FakeClock
from tests.console.visitors import sign_in_owner
from tests.mini_platform import ENDPOINT, INSTRUCTOR, Reply
from tests.world import HERE, World

# Tables that grow with learners; the others have a row for each platform, key, activity or person
# at work, which are few enough to be read.
BIG = (
    "learner",
    "registration",
    "launch",
    "grade",
    "score",
    "score_try",
    "trail_event",
    "used_nonce",
    "staff_visit",
    "audit_entry",
)
AUDIT_FOUND = "audit?search=golf&kind=grades&from=2026-11-01&to=2026-11-30"
Statement = tuple[str, Any]


@contextmanager
def caught() -> Iterator[list[Statement]]:
    """Collect every statement that the block sends, with its parameters."""
    found: list[Statement] = []

    def keep(_c: Any, _k: Any, statement: str, values: Any, _x: Any, many: bool) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
            found.append((statement, values[0] if many else values))

    event.listen(db.engine, "before_cursor_execute", keep)
    try:
        yield found
    finally:
        event.remove(db.engine, "before_cursor_execute", keep)


def full_scans(statements: list[Statement]) -> list[str]:
    """Return the statements that read a whole big table, each with its plan's line."""
    found = set()
    sqlite = db.engine.dialect.name == "sqlite"
    with db.engine.connect() as connection:
        if not sqlite:
            connection.exec_driver_sql("SET enable_seqscan = off")
        for statement, values in statements:
            explain = "EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN "
            plan = connection.exec_driver_sql(explain + statement, values).all()
            lines = [str(row[-1]) for row in plan]
            found |= {f"{line.strip()}: {statement}" for line in lines if _scans(line, statement)}
        connection.rollback()
    return sorted(found)


def _scans(line: str, statement: str) -> bool:
    """Tell whether a line of a plan reads one of the big tables from end to end."""
    pattern = r"^SCAN (\w+)|Seq Scan on (\w+)(?: (\w+))?"
    match = re.search(pattern, line.strip())
    if match is None:
        return False
    name = next(one for one in match.groups() if one)
    aliases = dict(re.findall(r"\b(\w+) AS (\w+)", statement))
    tables = {alias: table for table, alias in aliases.items()}
    table = tables.get(name, name)
    # An index of the few rows that matter, read from end to end.
    if "USING INDEX ix_grade_resource_link_id" in line:
        return False
    # The newest rows of a table, by its key: so many, then it stops.
    newest = re.search(rf"ORDER BY {name}\.id DESC\s+LIMIT", statement)
    return table in BIG and newest is None


@pytest.fixture
def busy(world: World) -> World:
    """A bridge that some learners have used, with an LMS that takes scores."""
    token = {"access_token": "t", "token_type": "Bearer", "expires_in": 3600}
    world.platform.routes |= {
        ("POST", "/token"): Reply(body=token),
        ("POST", "/items/1/scores"): Reply(),
        ("GET", "/items/1/results"): Reply(body=[]),
    }
    for name in ("alice", "bob"):
        launch(world, name)
    return world


def launch(world: World, sub: str, **claims: Any) -> TestResponse:
    url, scopes = world.platform.url, "https://purl.imsglobal.org/spec/lti-ags/scope/"
    endpoint = {
        "lineitem": f"{url}/items/1",
        "lineitems": f"{url}/items",
        "scope": [f"{scopes}score", f"{scopes}lineitem.readonly", f"{scopes}result.readonly"],
    }
    return world.launch(sub=sub, **{ENDPOINT: endpoint}, **claims)


def come_back(world: World, launch_id: int, name: str) -> None:
    """Leave the course, look at the page that follows, and let SCORM Cloud announce it."""
    address = exit_url(world.services, launch_id).removeprefix(HERE)
    assert world.browser.get(address).status_code == 200
    assert world.browser.get(f"{address}/status").status_code == 200
    world.cloud.play(name, completion="COMPLETED", success="PASSED", scaled=80, seconds=60)
    target = postback_address(world.services, name)
    body = {"id": name, "registrationCompletion": "COMPLETED", "registrationSuccess": "PASSED"}
    credentials = (target.user_name, target.password)
    path = target.url.removeprefix(HERE)
    assert world.browser.post(path, json=body, auth=credentials).status_code == 204


def registrations() -> list[str]:
    found = list(db.session.scalars(select(Registration.registration_id).order_by("id")))
    db.session.commit()
    return found


def work(world: World, clock: FakeClock) -> None:
    """Do what worker processes do, by jobs and by the clock."""
    services = world.services
    gate = world.browser.application.extensions["platform_gate"]
    clock.advance(5)
    for grade_id in (1, 2, 3):
        work_grade(services, gate, grade_id)
    clock.advance(3700)  # the single reads of what is unresolved are due, and the sweep
    sweep_accounts(services)
    recheck_unresolved(services)
    run_overdue_rounds(services, lambda grade_id: work_grade(services, gate, grade_id))
    reconcile_due(services)
    prune_nonces(services)
    list(RowGauges(services).collect())


def test_work_reads_no_whole_table(busy: World, clock: FakeClock) -> None:
    name = registrations()[0]
    with caught() as statements:
        launch(busy, "dora")
        launch(busy, "alice")
        come_back(busy, 1, name)
        work(busy, clock)

    scores = {state for (state,) in db.session.execute(select(Score.state))}
    db.session.commit()
    assert scores == {"accepted"}
    assert len(statements) > 60
    assert full_scans(statements) == []


def test_pages_read_no_whole_table(busy: World) -> None:
    owner = sign_in_owner(busy.browser.application.test_client(), busy.services)
    with caught() as statements:
        assert launch(busy, "ida", roles=[INSTRUCTOR]).status_code == 303
        for path in ("", "activities", "activities?search=golf", "people", "audit", AUDIT_FOUND):
            assert owner.get(f"/console/{path}").status_code == 200
        find_losses(None)
        load_comparison(1)
        db.session.commit()

    assert len(statements) > 20
    assert full_scans(statements) == []
