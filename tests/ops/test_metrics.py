"""What happens is counted, and what waits is told from the rows."""

import ast
import dataclasses
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

import lti_bridge
from lti_bridge.core.db import db
from lti_bridge.ops.metrics import RULES
from lti_bridge.passback.models import Score, SweepCursor
from lti_bridge.platforms.models import Deployment
from lti_bridge.registrations.models import Grade
from tests.ops.scrape import scrape, total, value
from tests.passback.cells import add_cell
from tests.practice_cloud import Answer
from tests.world import World, code

PACKAGE = Path(lti_bridge.__file__).parent


def published() -> set[str]:
    """Return the name of every event that any module publishes."""
    return {
        node.args[0].value
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "publish"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }


def test_every_event_is_counted():
    # The refusal of a launch is one of its outcomes; which LMS it was of is no label. What connects
    # an LMS is noted in the audit log, and what calls to SCORM Cloud come to as a problem.
    elsewhere = {"launch_refused", "platform_connected", "scorm_cloud_call"}
    assert published() - elsewhere == set(RULES)


def test_launch_is_counted_by_outcome_and_rung(world: World):
    assert world.launch().status_code == 303

    found = scrape(world.browser)
    launches = "lti_bridge_launches_total"
    assert value(found, launches, outcome="opened", visitor="learner", rung="cookie") == 1
    assert total(found, launches) == 1
    spent = {"endpoint": "launches.launch", "status": "3xx"}
    assert value(found, "lti_bridge_request_seconds_count", **spent) == 1


def test_refused_launch_is_counted_by_its_code(world: World):
    refused = world.launch(exp=5)
    stranger = world.browser.post("/lti/launch", data={})

    found = scrape(world.browser)
    launches = "lti_bridge_launches_total"
    known = {"outcome": code(refused), "visitor": "unknown", "rung": "cookie"}
    unknown = {"outcome": code(stranger), "visitor": "unknown", "rung": "none"}
    assert value(found, launches, **known) == 1
    assert value(found, launches, **unknown) == 1
    assert total(found, launches) == 2


def test_launch_tried_again_is_counted(world: World):
    def refuse(method: str, path: str, carry_on: object) -> None:
        raise Answer("503 Service Unavailable")

    world.cloud.disturb = refuse
    failed = world.launch()
    world.cloud.disturb = lambda method, path, carry_on: None
    token = failed.text.partition('name="token" value="')[2].partition('"')[0]
    assert world.browser.post("/lti/resume", data={"token": token}).status_code == 303

    found = scrape(world.browser)
    launches = "lti_bridge_launches_total"
    assert total(found, launches, outcome="scorm_cloud_down", visitor="learner") == 1
    assert total(found, launches, outcome="resumed", rung="none") == 1


def test_page_for_staff_is_no_launch(world: World):
    answer = world.browser.get("/console/link?page=forged")

    found = scrape(world.browser)
    assert value(found, "lti_bridge_pages_refused_total", outcome=code(answer)) == 1
    assert total(found, "lti_bridge_launches_total") == 0


def test_mistake_of_ours_is_counted(app, world: World, monkeypatch):
    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setitem(app.view_functions, "launches.jwks", fail)
    assert world.browser.get("/lti/jwks.json").status_code == 500

    spent = {"endpoint": "launches.jwks", "status": "5xx"}
    assert value(scrape(world.browser), "lti_bridge_request_seconds_count", **spent) == 1


@pytest.mark.parametrize(
    "name, labels, counted",
    [
        ("score_try", {"outcome": "accepted", "dialect": "moodle"}, "score_tries_total"),
        ("score", {"state": "parked", "dialect": "canvas"}, "scores_total"),
        ("postback", {"news": "yes"}, "postbacks_total"),
        ("exit", {}, "exits_total"),
        ("sweep_failed", {}, "sweeps_total"),
        ("read_gone", {}, "reads_total"),
    ],
    ids=[
        "a try",
        "a score's end",
        "a postback",
        "an exit",
        "a failed sweep",
        "a read of what is gone",
    ],
)
def test_event_moves_its_counter(app, services, name, labels, counted):
    services.events.publish(name, **labels)
    services.events.publish(name, **labels)

    assert total(scrape(app.test_client()), f"lti_bridge_{counted}", **labels) == 2


def test_event_with_a_number_adds_it(app, services):
    services.events.publish("reconciled", drift="lost", count=7)
    services.events.publish("sweep", changed=0)

    found = scrape(app.test_client())
    assert value(found, "lti_bridge_reconciled_total", drift="lost") == 7
    assert value(found, "lti_bridge_sweeps_total", outcome="complete") == 1
    assert value(found, "lti_bridge_sweep_changes_total") == 0


def test_due_grades_and_their_age(app, services, clock):
    now = clock()
    for number, (read, send, leased) in enumerate(
        [(-90, None, False), (-30, -10, True), (None, -5, False), (60, 60, False)]
    ):
        grade = add_cell(now, f"user-{number}")
        grade.next_read_at = now + timedelta(seconds=read) if read is not None else None
        grade.next_send_at = now + timedelta(seconds=send) if send is not None else None
        grade.lease_until = now + timedelta(seconds=20) if leased else None
    db.session.commit()

    found = scrape(app.test_client())

    assert value(found, "lti_bridge_grades_due", step="read") == 2
    assert value(found, "lti_bridge_grades_due", step="send") == 2
    assert value(found, "lti_bridge_oldest_due_seconds", step="read") == 90
    assert value(found, "lti_bridge_oldest_due_seconds", step="send") == 10
    assert value(found, "lti_bridge_open_leases") == 1
    assert value(found, "lti_bridge_database_up") == 1


def test_idle_bridge_has_nothing_due(app):
    found = scrape(app.test_client())

    assert value(found, "lti_bridge_oldest_due_seconds", step="read") == 0
    assert value(found, "lti_bridge_info", version=lti_bridge.__version__) == 1


def add_score(grade: Grade, state: str, clock) -> None:
    db.session.add(
        Score(
            grade_id=grade.id,
            sequence=1,
            attempt=1,
            course_id="golf",
            inferred=False,
            score_given=80,
            state=state,
            reason="",
            decided_at=clock(),
        )
    )


def test_what_people_must_look_at(app, services, clock, world):
    grades = [add_cell(clock(), f"user-{number}") for number in range(4)]
    for grade, state in zip(grades, ("parked", "parked", "queued", "accepted"), strict=True):
        add_score(grade, state, clock)
    platform = grades[0].platform
    platform.name = 'Say "hi"\n'
    waiting = {"identity": "new", "status": "pending", "created_at": clock()}
    db.session.add(Deployment(platform=platform, deployment_id="2", **waiting))
    due_at = clock() - timedelta(seconds=45)
    db.session.add(SweepCursor(scorm_account_id=1, next_sweep_at=due_at))
    db.session.commit()

    found = scrape(app.test_client())

    waits = "lti_bridge_scores_waiting"
    assert value(found, waits, platform='Say "hi"\n', state="parked") == 2
    assert value(found, waits, platform='Say "hi"\n', state="queued") == 1
    assert total(found, waits) == 3
    assert total(found, "lti_bridge_pending_deployments") == 1
    assert value(found, "lti_bridge_sweep_late_seconds", account="default") == 45


def test_counts_are_told_without_a_database(app, services):
    services.events.publish("exit")
    with db.engine.begin() as connection:
        connection.execute(text("DROP TABLE score_try"))
        connection.execute(text("DROP TABLE score"))

    found = scrape(app.test_client())

    assert value(found, "lti_bridge_database_up") == 0
    assert value(found, "lti_bridge_exits_total") == 1
    assert total(found, "lti_bridge_grades_due") == 0


def plans_of(questions: list[tuple[str, Any]]) -> list[str]:
    """Return how the database would answer; PostgreSQL, if tables were too large to scan."""
    with db.engine.connect() as connection:
        if db.engine.dialect.name == "sqlite":
            explain, column = "EXPLAIN QUERY PLAN", 3
        else:
            explain, column = "EXPLAIN", 0
            connection.exec_driver_sql("SET enable_seqscan = off")
        answers = [connection.exec_driver_sql(f"{explain} {q}", v) for q, v in questions]
        plans = [row[column] for answer in answers for row in answer]
        connection.rollback()
    return [plan.replace("Seq Scan on", "SCAN") for plan in plans]


def test_scrape_reads_by_index(app, services, clock):
    """One statement for each thing asked, and none reads through all grades or scores."""
    add_cell(clock())
    asked: list[tuple[str, Any]] = []

    def note(_connection, _cursor, statement, parameters, *_rest) -> None:
        asked.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    scrape(app.test_client())
    event.remove(db.engine, "before_cursor_execute", note)

    questions = [(sql, values) for sql, values in asked if sql.startswith("SELECT")]
    assert len(questions) == 4
    plans = plans_of(questions)
    assert [plan for plan in plans if re.search(r"SCAN (grade|score)\b", plan)] == []
    assert any("ix_grade_next_read_at" in plan for plan in plans), plans


def test_nodes_on_one_folder_are_summed(app, services, settings, clock):
    """Two processes of one node share the folder; whichever is asked tells for both."""
    from tests.conftest import close_app, open_app

    other = open_app(dataclasses.replace(settings), clock)
    services.events.publish("exit")
    other.extensions["lti_bridge"].events.publish("exit")

    for node in (app, other):
        assert value(scrape(node.test_client()), "lti_bridge_exits_total") == 2
    close_app(other)
