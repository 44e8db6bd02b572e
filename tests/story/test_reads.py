"""How often SCORM Cloud and the LMS are asked for each course that a learner completes."""

import json
from collections.abc import Iterator

import pytest
import requests
from flask import request

from lti_bridge.core.config import Settings
from tests.conftest import with_settings
from tests.story.cohort import Cohort, Counts, Learner, plan_learners, spread_lags
from tests.story.stage import Stage, close_stage, open_stage

LEARNERS = 40
LONGEST_LAG = 10.0
READS_AT_MOST = {"off": 4.0, "on": 2.2}


@pytest.fixture(params=["off", "on"])
def postbacks(request: pytest.FixtureRequest) -> str:
    mode: str = request.param
    return mode


@pytest.fixture
def stage(settings: Settings, postbacks: str) -> Iterator[Stage]:
    """A stage whose SCORM Cloud announces changes, or does not; each with an LMS of one kind."""
    dialect = {"off": "moodle", "on": "canvas"}[postbacks]
    stage = open_stage(with_settings(settings, scorm_cloud={"postbacks": postbacks}), dialect)
    stage.start_worker()
    yield stage
    close_stage(stage)


@pytest.mark.deep("forty learners, lags of up to ten seconds")
def test_few_reads_and_one_score_per_completion(stage: Stage, postbacks: str) -> None:
    cohort = Cohort(stage, stage.activities["Fire safety"])
    learners = plan_learners(LEARNERS, spread_lags(LEARNERS, LONGEST_LAG))

    cohort.come(learners, at_once=4)
    cohort.wait_until_quiet(60)

    grades = cohort.grades()
    assert {one.name: grades[one.name] for one in learners} == {
        one.name: one.score for one in learners
    }
    counts = cohort.counts()
    assert counts.scores == LEARNERS
    assert counts.tokens == 1
    assert reads_per_completion(counts) <= READS_AT_MOST[postbacks]


def reads_per_completion(counts: Counts) -> float:
    return (counts.reads + counts.histories) / LEARNERS


def test_result_between_two_questions_is_not_missed(stage: Stage, postbacks: str) -> None:
    """A score that comes after our read, but before the launch history is asked."""
    cohort = Cohort(stage, stage.activities["Fire safety"])
    told: list[str] = []

    def tell_late() -> None:
        if request.path.endswith("/launchHistory") and not told:
            told.append(request.path.split("/")[-2])
            result = {"completion": "COMPLETED", "success": "FAILED", "scaled": 65, "seconds": 30}
            address = f"{stage.cloud.url}/control/registrations/{told[0]}"
            requests.put(address, json=result, timeout=10).raise_for_status()

    stage.cloud.app.before_request_funcs.setdefault(None, []).append(tell_late)
    cohort.come([Learner("learner-1", 0.0, "no quiz", 65)], at_once=1)
    cohort.wait_until_quiet(60)

    assert told, "the launch history was never asked"
    assert [json.loads(post["body"])["scoreGiven"] for post in stage.score_posts()] == [65]
