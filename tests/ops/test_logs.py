"""Log lines from launch to score have one correlation id and no personal data."""

import json
import logging
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from sqlalchemy import select

from lti_bridge.core import correlation
from lti_bridge.core.db import db
from lti_bridge.core.events import Events
from lti_bridge.ops.logs import JsonFormatter, SafeFormatter, log_events
from lti_bridge.registrations.models import Launch, Learner, TrailEvent
from tests.conftest import make_settings
from tests.ops.scrape import parse, total
from tests.story.nodes import QUICK, Nodes, make_nodes
from tests.story.stage import close_stage, open_stage, wait_for
from tests.world import World

LOUD = {"LTI_BRIDGE_LOG_LEVEL": "debug", "LTI_BRIDGE_OPS__LOG_FORMAT": "json"}


def record(message: str, *args: object, error: Any = None) -> logging.LogRecord:
    return logging.LogRecord("lti_bridge.x", logging.WARNING, "x.py", 1, message, args, error)


def test_json_line_holds_the_facts():
    with correlation.story("abc"):
        line = json.loads(JsonFormatter().format(record("said %s\nby mail@x.example", "ä")))

    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "warning",
        "logger": "lti_bridge.x",
        "message": "said ä\nby …",
        "correlation_id": "abc",
    }


def test_text_line_is_one_line():
    with correlation.story("abc"):
        line = SafeFormatter().format(record("said\nso"))

    assert line.endswith(" warning lti_bridge.x: said\\nso [abc]")


def test_id_that_stands_there_is_not_repeated():
    with correlation.story("abc"):
        assert SafeFormatter().format(record("refused [abc]")).endswith(": refused [abc]")


@pytest.mark.parametrize("formatter", [SafeFormatter(), JsonFormatter()], ids=["lines", "json"])
def test_exception_is_told_without_its_values(formatter):
    name = "Xan" + "thippe"
    try:
        int(name)
    except ValueError:
        line = formatter.format(record("failed", error=sys.exc_info()))

    assert "ValueError" in line
    assert "test_logs.py" in line
    assert name not in line


def test_event_is_a_line(caplog):
    events = Events()
    log_events(events)

    with caplog.at_level(logging.INFO, "lti_bridge"):
        events.publish("score", state="accepted", dialect="moodle")
        events.publish("request", endpoint="launches.launch")

    (told,) = caplog.records
    assert told.getMessage() == "score state=accepted dialect=moodle"
    assert json.loads(JsonFormatter().format(told))["event"] == {
        "name": "score",
        "state": "accepted",
        "dialect": "moodle",
    }


def test_story_is_forgotten_at_its_end():
    with correlation.story("before"):
        with correlation.story("one"):
            correlation.follow("two")
            assert correlation.current() == "two"

        assert correlation.current() == "before"


def test_reference_of_a_failed_launch_is_in_the_log(world: World, caplog):
    formatter = JsonFormatter()
    lines: list[dict[str, Any]] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(json.loads(formatter.format(record)))

    keep = Keep()
    logging.getLogger("lti_bridge").addHandler(keep)
    try:
        with caplog.at_level(logging.INFO, "lti_bridge"):
            page = world.launch(exp=5)
    finally:
        logging.getLogger("lti_bridge").removeHandler(keep)

    launch = [line for line in lines if line.get("event", {}).get("name") == "launch"]
    assert len(launch) == 1
    assert launch[0]["correlation_id"] in page.text
    assert correlation.current() == ""


@pytest.fixture
def nodes(database_url: str, tmp_path: Path) -> Iterator[Nodes]:
    """A web node and a worker as processes that log everything they can."""
    stage = open_stage(make_settings(database_url, tmp_path), "canvas", in_process=False)
    nodes = make_nodes(stage, tmp_path / "nodes.log", {**QUICK, **LOUD})
    nodes.start_web()
    nodes.start_worker()
    yield nodes
    nodes.stop()
    close_stage(stage)


def rows(nodes: Nodes, statement: Any) -> list[Any]:
    with nodes.stage.app.app_context():
        found = list(db.session.scalars(statement))
        db.session.rollback()
    return found


def go_through_everything(nodes: Nodes) -> dict[str, str]:
    """Launch, take the course, exit, get a grade; return everything that must not be logged."""
    stage = nodes.stage
    activity, alice = stage.activities["Fire safety"], stage.person("alice")
    form = alice.launch_form(activity)
    private = {name: form.fields[name] for name in ("state", "id_token")}
    private |= {f"cookie {name}": cookie for name, cookie in alice.browser.cookies.items()}
    assert alice.post(form.action, form.fields).status_code == 303
    alice.post(form.action, form.fields)
    (registration,) = stage.cloud_registrations()
    result = {"completion": "COMPLETED", "success": "PASSED", "scaled": 85.5}
    stage.finish_course(registration, **result, seconds=60)
    exit_url, postback = stage.exit_url(registration), stage.registration(registration)["postback"]
    alice.get(exit_url)
    alice.get(f"{exit_url}/status?also=a-query-of-a-stranger")
    requests.post(
        postback["url"], json={"id": registration}, auth=("x", "wrong-password"), timeout=10
    )
    stage.wait_for_grade("alice", activity, 85.5)
    for path in ("exit/nothing-of-ours", "lti/launch?query-of-a-stranger=1"):
        alice.get(f"{stage.services.settings.public_url}/{path}")
    break_request_line(stage.services.settings.public_url)
    (sub,) = rows(nodes, select(Learner.sub))
    (learner,) = rows(nodes, select(Learner.scorm_learner_id))
    settings = stage.services.settings
    return private | {
        "sub": sub,
        "learner id": learner,
        "first name": "Alice",
        "last name": "Andersen",
        "exit token": exit_url.rpartition("/")[2],
        "postback token": postback["url"].rpartition("/")[2],
        "postback password": postback["password"],
        "wrong password": "wrong-password",
        "unknown exit": "nothing-of-ours",
        "query": "query-of-a-stranger",
        "broken request": "broken-by-a-stranger",
        "secret key": settings.secret_key,
        "account, as sent": "cHJhY3RpY2U6cHJhY3RpY2U",
    }


def break_request_line(url: str) -> None:
    """Send what is no HTTP: gunicorn quotes it in its warning."""
    place = urlsplit(url)
    assert place.hostname is not None
    with socket.create_connection((place.hostname, place.port or 80), timeout=10) as wire:
        wire.sendall(b"GET /exit/broken-by-a-stranger?a=b\r\n\r\n")
        wire.recv(1000)


def lines_of(nodes: Nodes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in nodes.log.read_text("utf-8").splitlines()]


@pytest.mark.deep("starts whole nodes")
def test_whole_story_has_one_id_and_no_person(nodes: Nodes):
    private = go_through_everything(nodes)
    story, *others = rows(nodes, select(Launch.correlation_id))

    def told() -> list[str]:
        lines = lines_of(nodes)
        return [
            line["event"]["name"]
            for line in lines
            if line["correlation_id"] == story and "event" in line
        ]

    wanted = {"launch", "exit", "read", "score_try", "score", "exit_to_gradebook"}
    wait_for(lambda: wanted <= set(told()), "the worker's last line")
    assert not others
    assert told()[0] == "launch"
    assert {story} == set(rows(nodes, select(TrailEvent.correlation_id))) - {None}
    for line in nodes.log.read_text("utf-8").splitlines():
        for name, text in private.items():
            assert text not in line, f"the {name} is in the log"
    assert any("'GET /exit/…?…'" in line["message"] for line in lines_of(nodes))
    assert any(line["logger"] == "gunicorn.error" for line in lines_of(nodes))


@pytest.mark.deep("starts whole nodes")
def test_web_and_worker_are_summed(nodes: Nodes):
    """The launch was counted in one process and its score in the other."""
    go_through_everything(nodes)
    url = nodes.stage.services.settings.public_url

    def found() -> Any:
        samples = parse(requests.get(f"{url}/metrics", timeout=10).text)
        home = total(samples, "lti_bridge_exit_to_gradebook_seconds_count", dialect="canvas")
        idle = total(samples, "lti_bridge_grades_due") == 0
        return samples if home == 1 and idle else None

    samples = wait_for(found, "the worker's counts")

    assert total(samples, "lti_bridge_launches_total", outcome="opened", rung="cookie") == 1
    assert total(samples, "lti_bridge_score_tries_total", outcome="accepted") == 1
    assert total(samples, "lti_bridge_scores_total", state="accepted", dialect="canvas") == 1
    assert total(samples, "lti_bridge_exits_total") == 1
    assert total(samples, "lti_bridge_reads_total") >= 1


@pytest.mark.deep("starts whole nodes")
def test_killed_web_process_loses_no_count(nodes: Nodes):
    url = nodes.stage.services.settings.public_url
    requests.get(f"{url}/lti/launch", timeout=10)
    wait_for(lambda: sweeps_of(url), "the worker to count")
    (web, _) = nodes.running

    nodes.kill(web)
    nodes.start_web()
    requests.get(f"{url}/lti/launch", timeout=10)

    samples = parse(requests.get(f"{url}/metrics", timeout=10).text)
    assert total(samples, "lti_bridge_launches_total", outcome="not_from_lms") == 2


def sweeps_of(url: str) -> float:
    samples = parse(requests.get(f"{url}/metrics", timeout=10).text)
    return total(samples, "lti_bridge_sweeps_total")
