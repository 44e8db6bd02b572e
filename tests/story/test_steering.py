"""A person steers: parked grades sent again, policies changed, lost grades found."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import requests
from sqlalchemy import select

from lti_bridge.core.db import db
from lti_bridge.core.errors import Refused
from lti_bridge.passback.actions import by_hand, comparison
from lti_bridge.passback.actions.policy_change import change_policy, preview_policy
from lti_bridge.passback.rules.drift import Drift
from lti_bridge.passback.triggers.reconcile import Repair, reconcile_due, reconcile_link
from lti_bridge.registrations.models import Grade, Registration, ResourceLink
from tests.story.stage import Stage, wait_for

PASSED = {"completion": "COMPLETED", "success": "PASSED", "seconds": 60}
FAILED = {"completion": "COMPLETED", "success": "FAILED", "seconds": 60}


def put(stage: Stage, what: str, **body: Any) -> None:
    answer = requests.put(f"{stage.lms.url}/control/{what}", json=body, timeout=10)
    assert answer.status_code == 200, answer.text


def finish(stage: Stage, result: Mapping[str, Any], scaled: float) -> str:
    alice = stage.person("alice")
    registration = alice.open_player(stage.activities["Fire safety"])
    stage.finish_course(registration, **result, scaled=scaled)
    alice.get(stage.exit_url(registration))
    return registration


@pytest.fixture
def activity(stage: Stage) -> str:
    return stage.activities["Fire safety"]


@pytest.fixture
def rows(stage: Stage) -> Iterator[None]:
    """The rows, as this process sees them."""
    with stage.app.app_context():
        yield


def grade_id() -> int:
    found = db.session.scalars(select(Grade.id)).one()
    db.session.commit()
    return found


def link_id() -> int:
    found = db.session.scalars(select(ResourceLink.id)).one()
    db.session.commit()
    return found


def drifts(stage: Stage, repair: Repair = Repair.FEW) -> list[Drift]:
    return [finding.drift for finding in reconcile_link(stage.services, link_id(), repair=repair)]


@pytest.mark.usefixtures("rows")
def test_parked_grade_is_sent_again(stage: Stage, activity: str) -> None:
    alice = stage.person("alice")
    registration = alice.open_player(activity)
    put(stage, "course", unenrolled=["alice"])
    stage.finish_course(registration, **PASSED, scaled=88)
    alice.get(stage.exit_url(registration))
    wait_for(lambda: stage.score_states() == ["parked"], "the LMS's refusal")

    put(stage, "course", unenrolled=[])
    by_hand.resend(stage.services, grade_id(), "Ida")

    stage.wait_for_grade("alice", activity, 88)
    wait_for(lambda: stage.score_states() == ["superseded", "accepted"], "the new Score")


@pytest.mark.usefixtures("rows")
def test_delivered_grade_is_sent_again_on_request(stage: Stage, activity: str) -> None:
    finish(stage, PASSED, 70)
    stage.wait_for_grade("alice", activity, 70)
    wait_for(lambda: stage.score_states() == ["accepted"], "the first Score's end")

    by_hand.resend(stage.services, grade_id(), "Ida")

    wait_for(lambda: stage.score_states() == ["accepted", "accepted"], "the second Score")
    assert len(stage.score_posts()) == 2


@pytest.mark.usefixtures("rows")
def test_queued_grade_is_parked_and_sent_again(stage: Stage, activity: str) -> None:
    stage.set_faults(stage.lms, error_status=503)
    finish(stage, PASSED, 70)

    def parked() -> bool:
        try:
            by_hand.park(stage.services, grade_id(), "Ida")
        except Refused:
            return False
        return True

    wait_for(lambda: "queued" in stage.score_states(), "a decision")
    wait_for(parked, "a moment between two tries")
    stage.set_faults(stage.lms)
    with pytest.raises(Refused):
        by_hand.retry_now(stage.services, grade_id(), "Ida")
    by_hand.resend(stage.services, grade_id(), "Ida")

    stage.wait_for_grade("alice", activity, 70)


@pytest.mark.usefixtures("rows")
def test_policy_change_sends_what_changes(stage: Stage, activity: str) -> None:
    finish(stage, PASSED, 90)
    stage.wait_for_grade("alice", activity, 90)
    finish(stage, FAILED, 20)
    wait_for(lambda: _progress_is(20), "the second result")
    link = db.session.get_one(ResourceLink, link_id())

    same = preview_policy(stage.services, link, {"answer": "best"})
    changed = preview_policy(stage.services, link, {"answer": "latest"})
    db.session.commit()
    change_policy(stage.services, link, {"answer": "latest"})

    assert same == []
    assert [(change.before, change.after) for change in changed] == [(90, 20)]
    stage.wait_for_grade("alice", activity, 20)


def _progress_is(score: float) -> bool:
    found = db.session.scalars(select(Registration.score_scaled)).one()
    db.session.rollback()
    return found == score


@pytest.mark.usefixtures("rows")
def test_lost_grade_is_sent_again_once(stage: Stage, activity: str) -> None:
    finish(stage, PASSED, 70)
    stage.wait_for_grade("alice", activity, 70)
    wait_for(lambda: stage.score_states() == ["accepted"], "the Score's end")
    assert drifts(stage) == [Drift.DELIVERED]

    lose(stage, activity)
    assert drifts(stage, Repair.ALL) == [Drift.LOST]
    stage.wait_for_grade("alice", activity, 70)
    wait_for(lambda: stage.score_states() == ["accepted", "accepted"], "the second Score")
    lose(stage, activity)

    assert drifts(stage, Repair.ALL) == [Drift.LOST_AGAIN]
    assert stage.grade_of("alice", activity) is None


def lose(stage: Stage, activity: str) -> None:
    """The entry goes, as in a course reset; Moodle compares times in whole seconds."""
    put(stage, "grades", activity=activity, person="alice", gone=True)
    deleted = int(time.time())
    wait_for(lambda: int(time.time()) > deleted, "the next second")


@pytest.mark.usefixtures("rows")
def test_course_reset_is_not_undone(stage: Stage, activity: str) -> None:
    finish(stage, PASSED, 70)
    stage.wait_for_grade("alice", activity, 70)
    wait_for(lambda: stage.score_states() == ["accepted"], "the Score's end")
    lose(stage, activity)

    (finding,) = reconcile_link(stage.services, link_id())

    assert (finding.drift, finding.sent_again) == (Drift.LOST, False)
    assert stage.score_states() == ["accepted"]


@pytest.mark.usefixtures("rows")
def test_what_a_reset_took_is_left_until_a_new_grade(stage: Stage, activity: str) -> None:
    finish(stage, PASSED, 70)
    stage.wait_for_grade("alice", activity, 70)
    wait_for(lambda: stage.score_states() == ["accepted"], "the Score's end")
    lose(stage, activity)
    assert drifts(stage, Repair.FEW) == [Drift.LOST]
    assert losses() == [1]

    comparison.leave_lost(stage.services, link_id(), "An owner")

    assert drifts(stage, Repair.FEW) == drifts(stage, Repair.ALL) == [Drift.LEFT]
    assert (losses(), stage.grade_of("alice", activity)) == ([], None)
    finish(stage, PASSED, 90)
    stage.wait_for_grade("alice", activity, 90)
    wait_for(lambda: stage.score_states() == ["accepted", "accepted"], "the second Score's end")
    assert drifts(stage) == [Drift.DELIVERED]
    lose(stage, activity)
    assert drifts(stage) == [Drift.LOST]
    assert losses() == [1]


def losses() -> list[int]:
    found = [loss.lost for loss in comparison.find_losses(None)]
    db.session.commit()
    return found


@pytest.mark.usefixtures("rows")
def test_cleared_grade_stays_cleared(stage: Stage, activity: str) -> None:
    """A teacher emptied the cell or excused the learner: a score would undo it."""
    finish(stage, PASSED, 70)
    stage.wait_for_grade("alice", activity, 70)
    wait_for(lambda: stage.score_states() == ["accepted"], "the Score's end")
    put(stage, "grades", activity=activity, person="alice", score=None)

    assert drifts(stage, Repair.ALL) == [Drift.CLEARED]
    assert stage.score_states() == ["accepted"]
    assert stage.grade_of("alice", activity) is None


@pytest.mark.usefixtures("rows")
def test_teachers_grade_stands(stage: Stage, activity: str) -> None:
    finish(stage, PASSED, 70)
    stage.wait_for_grade("alice", activity, 70)
    wait_for(lambda: stage.score_states() == ["accepted"], "the Score's end")

    put(stage, "grades", activity=activity, person="alice", score=95)

    assert drifts(stage) == [Drift.OVERRIDDEN]
    assert stage.grade_of("alice", activity) == 95


@pytest.mark.usefixtures("rows")
def test_scheduled_run_takes_each_link_once(stage: Stage, activity: str) -> None:
    finish(stage, PASSED, 70)
    stage.wait_for_grade("alice", activity, 70)

    assert reconcile_due(stage.services) == 0
