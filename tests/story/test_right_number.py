"""The number that comes home is the one that the policy's table says, whatever order it came in."""

import dataclasses
from typing import Any

import pytest
from sqlalchemy import select

from lti_bridge.core.db import db
from lti_bridge.passback.actions.policy_change import change_policy
from lti_bridge.registrations.learner_names import send_changed_names
from lti_bridge.registrations.models import Learner, ResourceLink
from tests.story.town import Town

UNFINISHED = {"completion": "incomplete", "success": "unknown"}
FAILED = {"completion": "completed", "success": "failed"}
FAILING = {"completion": "incomplete", "success": "failed"}


@pytest.fixture
def activity(town: Town) -> str:
    return town.begin()


def set_policy(town: Town, **changes: str) -> None:
    """Change the policy of the one activity that was launched."""

    def change() -> None:
        link = db.session.scalars(select(ResourceLink)).one()
        change_policy(town.app.extensions["lti_bridge"], link, changes)

    town.do(change)
    town.do(town.work)


def cell(town: Town, activity: str) -> float | None:
    score: float | None = town.cell(activity)["score"]
    return score


def come_and(town: Town, activity: str, score: float | None, **status: str) -> None:
    """Come again a while later, do that, leave, and let everything come to rest."""
    town.clock.advance(120)
    town.learn(activity, score, **status)
    town.settle()


@pytest.mark.parametrize("answer", ["latest", "first", "average"])
@pytest.mark.parametrize("score", [None, 10], ids=["no score", "lower score"])
def test_attempt_opened_again_and_left_unfinished_changes_nothing(
    town: Town, activity: str, answer: str, score: float | None
) -> None:
    town.learn(activity, 90)
    set_policy(town, answer=answer)
    come_and(town, activity, 60, **FAILED)
    assert cell(town, activity) == 60

    come_and(town, activity, score, **UNFINISHED)

    assert cell(town, activity) == 60
    assert [points for _, points, _ in town.scores()] == [90, 60]


@pytest.mark.parametrize("answer", ["best", "latest", "first", "average"])
def test_final_failure_replaces_a_provisional_one(town: Town, activity: str, answer: str) -> None:
    town.learn(activity, 80, **FAILING)
    set_policy(town, answer=answer)
    town.settle()
    assert cell(town, activity) == 80
    assert "not finished" in town.scores()[-1][2] or "gradebook" in town.scores()[-1][2]

    come_and(town, activity, 53, **FAILED)

    assert cell(town, activity) == 53


@pytest.mark.parametrize("success", ["passed", "failed"])
def test_score_that_comes_after_passed_is_waited_for(
    town: Town, activity: str, success: str
) -> None:
    """The course says how it ended at once, and its score ten seconds later."""
    player = town.open_player(town.do(lambda: town.click(activity)))
    words = {"cmi.completion_status": "completed", "cmi.success_status": success}
    commit(town, player, 1, words, "")
    (registration,) = town.registrations()
    told = town.ask(town.cloud, "GET", f"/control/registrations/{registration}").json
    town.do(lambda: town.visit(told["redirect_on_exit_url"]))
    town.do(town.work)
    assert town.scores() == []

    town.clock.advance(10)
    commit(town, player, 2, words | {"cmi.score.scaled": "0.35"}, "exited")
    town.do(town.round)
    town.do(town.work)

    assert [points for _, points, _ in town.scores()] == [35]
    assert cell(town, activity) == 35


def commit(town: Town, player: str | None, sequence: int, cmi: dict[str, str], exit: str) -> None:
    message = {"sequence": sequence, "cmi": cmi, "exit": exit, "seconds": 30}
    town.ask(town.cloud, "POST", f"{player}/commit", json=message)


def test_running_score_never_lowers_the_best(town: Town, activity: str) -> None:
    town.learn(activity, 80, **UNFINISHED)
    set_policy(town, partial="send")
    town.settle()
    assert cell(town, activity) == 80

    come_and(town, activity, 40, **UNFINISHED)
    come_and(town, activity, None, **UNFINISHED)
    assert cell(town, activity) == 80
    come_and(town, activity, 53, **FAILED)

    assert cell(town, activity) == 53


def test_zero_of_a_passed_course_is_sent_with_a_word(town: Town, activity: str) -> None:
    town.learn(activity, 0)
    town.settle()

    assert cell(town, activity) in (0, None)  # Moodle shows no entry for 0
    assert [points for _, points, _ in town.scores()] == [0]


def test_stale_list_never_takes_the_place_of_an_answer(town: Town, activity: str) -> None:
    """The list still shows what was so before the course was finished a second time."""
    town.learn(activity, 50, **FAILED)
    set_policy(town, answer="latest")
    town.settle()
    town.ask(town.cloud, "PUT", "/control/faults", json={"stale_lists": True})

    come_and(town, activity, 90)
    for _ in range(3):
        town.clock.advance(61)
        town.do(town.sweep)
        town.do(town.work)

    assert cell(town, activity) == 90
    assert [points for _, points, _ in town.scores()] == [50, 90]


def learner_of(town: Town) -> dict[str, Any]:
    (registration,) = town.registrations()
    told = town.ask(town.cloud, "GET", f"/api/v2/registrations/{registration}", auth=CREDENTIALS)
    learner: dict[str, Any] = told.json["learner"]
    learner.pop("id")
    return learner


CREDENTIALS = ("practice", "practice")


def rename(town: Town, **names: str) -> None:
    people = town.lms.extensions["practice_lms"].people
    people["alice"] = dataclasses.replace(people["alice"], **names)


def tell(town: Town) -> int:
    services = town.app.extensions["lti_bridge"]
    count: int = town.do(lambda: send_changed_names(services))
    return count


def test_new_name_reaches_scorm_cloud_once(town: Town, activity: str) -> None:
    town.learn(activity, 80)
    before = learner_of(town)
    rename(town, family="Berger")
    town.clock.advance(120)
    asked: list[str] = []
    town.watch = asked.append

    town.learn(activity, 85)
    during = [url for url in asked if "updateInfo" in url]
    told = [tell(town), tell(town)]

    assert (during, told) == ([], [1, 0])
    assert before["lastName"] != "Berger"
    assert learner_of(town)["lastName"] == "Berger"
    assert len([url for url in asked if "updateInfo" in url]) == 1


def test_withdrawn_name_goes_from_scorm_cloud(town: Town, activity: str) -> None:
    town.learn(activity, 80)

    def withdraw() -> None:
        learner = db.session.scalars(select(Learner)).one()
        learner.platform.privacy = "pseudonymous"
        db.session.commit()

    town.do(withdraw)
    town.clock.advance(120)
    town.learn(activity, 85)

    assert tell(town) == 1
    assert learner_of(town) == {}


def test_name_waits_for_a_silent_scorm_cloud(town: Town, activity: str) -> None:
    town.learn(activity, 80)
    rename(town, family="Berger")
    town.clock.advance(120)
    town.learn(activity, 85)
    town.ask(town.cloud, "PUT", "/control/faults", json={"error_status": 503})
    silent = tell(town)
    town.ask(town.cloud, "PUT", "/control/faults", json={})

    assert (silent, tell(town)) == (0, 1)
    assert learner_of(town)["lastName"] == "Berger"
