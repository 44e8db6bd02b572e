"""Processes that die, freeze and race: the grade arrives, right, and at most its bytes twice."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from lti_bridge.core.config import Settings
from tests.story.nodes import Nodes, make_nodes
from tests.story.stage import Stage, close_stage, open_stage, wait_for

pytestmark = pytest.mark.deep(
    "kills and freezes processes; test_interleavings.py steps the same orders"
)

PASSED = {"completion": "COMPLETED", "success": "PASSED"}


@pytest.fixture
def nodes(settings: Settings, dialect: str, tmp_path: Path) -> Iterator[Nodes]:
    """A prepared stage; its web and worker nodes are the test's to start and to kill."""
    stage = open_stage(settings, dialect, in_process=False)
    nodes = make_nodes(stage, tmp_path / "nodes.log")
    yield nodes
    nodes.stop()
    close_stage(stage)


def token_requests(stage: Stage) -> int:
    """Return how often the LMS was asked for an access token."""
    return sum(
        count for name, count in stage.requests_of(stage.lms).items() if "/token" in name.lower()
    )


def finish_and_exit(stage: Stage, scaled: float) -> str:
    """Take the whole course as Alice, close no tab, and return the registration id."""
    alice = stage.person("alice")
    registration = alice.open_player(stage.activities["Fire safety"])
    stage.finish_course(registration, **PASSED, scaled=scaled, seconds=60)
    assert alice.get(stage.exit_url(registration)).status_code == 200
    return registration


def assert_one_score(stage: Stage, score: float) -> None:
    """One score was accepted, and every other post had the very same bytes."""
    stage.wait_for_grade("alice", stage.activities["Fire safety"], score, seconds=60)
    posts = stage.score_posts()
    assert len({post["body"] for post in posts}) == 1
    assert sum(1 for post in posts if post["status"] < 300) <= 2


def test_worker_killed_before_the_post(nodes: Nodes) -> None:
    stage = nodes.stage
    nodes.start_web()
    worker = nodes.start_worker()
    stage.set_faults(stage.lms, latency_ms=2500)

    finish_and_exit(stage, 85.5)
    wait_for(lambda: token_requests(stage), "the worker to ask the LMS for a token")
    nodes.kill(worker)
    assert stage.score_posts() == []
    stage.set_faults(stage.lms)
    nodes.start_worker()

    assert_one_score(stage, 85.5)


def test_worker_killed_while_it_posts(nodes: Nodes) -> None:
    stage = nodes.stage
    nodes.start_web()
    worker = nodes.start_worker()
    stage.set_faults(stage.lms, latency_ms=1500)

    finish_and_exit(stage, 77)
    wait_for(stage.score_posts, "the LMS to take the score")
    nodes.kill(worker)
    stage.set_faults(stage.lms)
    nodes.start_worker()

    wait_for(lambda: stage.score_states() == ["accepted"], "the bridge to know that it arrived", 60)
    assert_one_score(stage, 77)


def test_web_killed_right_after_the_exit(nodes: Nodes) -> None:
    stage = nodes.stage
    web = nodes.start_web()

    finish_and_exit(stage, 64)
    nodes.kill(web)
    nodes.start_worker()
    nodes.start_web()  # the LMS fetches our key set before it gives the worker a token

    assert_one_score(stage, 64)


def test_frozen_worker_posts_nothing_when_thawed(nodes: Nodes) -> None:
    stage = nodes.stage
    nodes.start_web()
    frozen = nodes.start_worker()
    stage.set_faults(stage.lms, latency_ms=1500)
    finish_and_exit(stage, 91)
    wait_for(lambda: token_requests(stage), "the worker to ask the LMS for a token")
    nodes.freeze(frozen)
    stage.set_faults(stage.lms)
    nodes.start_worker()
    assert_one_score(stage, 91)

    nodes.thaw(frozen)
    asked = token_requests(stage)
    finish_and_exit(stage, 96)

    stage.wait_for_grade("alice", stage.activities["Fire safety"], 96, seconds=60)
    assert [json.loads(post["body"])["scoreGiven"] for post in stage.score_posts()] == [91, 96]
    assert token_requests(stage) <= asked + 1
