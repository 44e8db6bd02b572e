"""Things that happen together, or too early, or after a loss: one right grade in the end."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy

from lti_bridge.core.config import Settings
from lti_bridge.core.db import db
from tests.story.nodes import Nodes, make_nodes
from tests.story.player import Player
from tests.story.stage import Stage, close_stage, open_stage, reconnect, wait_for

PASSED = {"completion": "COMPLETED", "success": "PASSED"}


def together(*actions: Callable[[], object]) -> None:
    """Run actions in threads that start at the same moment."""
    start = threading.Barrier(len(actions))
    threads = [threading.Thread(target=lambda act=act: (start.wait(), act())) for act in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize(
    "lag", [0, pytest.param(3, marks=pytest.mark.deep("waits for a lag"))], ids=["no lag", "lag"]
)
def test_exit_and_postback_at_the_same_moment(stage: Stage, lag: int) -> None:
    activity = stage.activities["Fire safety"]
    alice = stage.person("alice")
    registration = alice.open_player(activity)
    stage.set_faults(stage.cloud, result_lag_seconds=lag, postback_early=True)
    stage.finish_course(registration, **PASSED, scaled=72, seconds=60)
    exit_url = stage.exit_url(registration)
    answers: list[int] = []

    def announce() -> None:
        answers.append(stage.postback(registration, **PASSED, scaled=72).status_code)

    together(lambda: answers.append(alice.get(exit_url).status_code), announce, announce)

    assert sorted(answers) in ([200, 200, 200], [200, 204, 204])
    stage.wait_for_grade("alice", activity, 72)
    wait_for(lambda: alice.get(exit_url + "/status").json()["final"], "the last word")
    assert len(stage.score_posts()) == 1
    assert stage.score_states() == ["accepted"]


def test_course_completed_at_its_first_page_ends_at_its_score(stage: Stage) -> None:
    activity = stage.activities["Fire safety"]
    alice = stage.person("alice")
    player = Player(alice, activity)
    (registration,) = stage.cloud_registrations()

    player.commit(lesson_status="completed")
    wait_for(
        lambda: stage.registration(registration)["completion"] == "COMPLETED", "the early word"
    )
    player.commit(lesson_status="completed", score="40", exit="exited")
    alice.get(stage.exit_url(registration))

    stage.wait_for_grade("alice", activity, 40)
    status = stage.exit_url(registration) + "/status"
    wait_for(lambda: alice.get(status).json()["final"], "the last word")
    assert stage.grade_of("alice", activity) == 40
    assert len(stage.score_posts()) == 1


def test_early_word_that_arrives_after_the_exit_is_no_grade(stage: Stage) -> None:
    activity = stage.activities["Fire safety"]
    alice = stage.person("alice")
    player = Player(alice, activity)
    (registration,) = stage.cloud_registrations()
    stage.set_faults(stage.cloud, result_lag_seconds=2)

    player.commit(lesson_status="completed")
    stage.set_faults(stage.cloud, result_lag_seconds=4)
    player.commit(lesson_status="completed", score="40", exit="exited")
    alice.get(stage.exit_url(registration))

    stage.wait_for_grade("alice", activity, 40)
    assert len(stage.score_posts()) == 1


@pytest.fixture
def nodes(settings: Settings, dialect: str, tmp_path: Path) -> Iterator[Nodes]:
    stage = open_stage(settings, dialect, in_process=False)
    nodes = make_nodes(stage, tmp_path / "nodes.log")
    yield nodes
    nodes.stop()
    close_stage(stage)


@pytest.mark.deep("starts and kills whole nodes")
def test_emptied_database_keeps_every_registration(nodes: Nodes) -> None:
    stage = nodes.stage
    activity = stage.activities["Fire safety"]
    web, worker = nodes.start_web(), nodes.start_worker()
    alice = stage.person("alice")
    registration = alice.open_player(activity)
    stage.finish_course(registration, **PASSED, scaled=85.5, seconds=60)
    alice.get(stage.exit_url(registration))
    stage.wait_for_grade("alice", activity, 85.5)
    nodes.kill(worker)
    nodes.kill(web)

    with stage.app.app_context():
        with db.engine.begin() as connection:
            for table in reversed(db.metadata.sorted_tables):
                connection.execute(sqlalchemy.delete(table))
        reconnect(stage)
    nodes.start_web()
    nodes.start_worker()
    again = alice.open_player(activity)
    stage.finish_course(again, completion="COMPLETED", success="FAILED", scaled=20, seconds=60)
    page = alice.get(stage.exit_url(again))
    wait_for(lambda: alice.get(page.url + "/status").json()["final"], "the last word", 60)

    assert again == registration
    assert stage.registration(registration)["posts"] == {"accepted": 1, "refused": 0}
    assert stage.grade_of("alice", activity) == 85.5
    assert len(stage.score_posts()) == 1

    alice.open_player(activity)
    stage.finish_course(registration, **PASSED, scaled=93, seconds=60)
    alice.get(stage.exit_url(registration))
    stage.wait_for_grade("alice", activity, 93)
