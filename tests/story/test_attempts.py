"""Several attempts: offered after a finished one, a registration for each, one grade by policy."""

from collections.abc import Iterator

import pytest
import requests
from sqlalchemy import func, select, update

from lti_bridge.core.db import db
from lti_bridge.core.errors import Refused
from lti_bridge.passback.actions import by_hand
from lti_bridge.passback.actions.policy_change import change_policy
from lti_bridge.registrations.models import Grade, Registration, ResourceLink
from tests.html import read_page
from tests.story.stage import Person, Stage, wait_for

PASSED = {"completion": "COMPLETED", "success": "PASSED", "seconds": 60}
FAILED = {"completion": "COMPLETED", "success": "FAILED", "seconds": 60}


@pytest.fixture
def rows(stage: Stage) -> Iterator[None]:
    with stage.app.app_context():
        yield


def allow(attempts: int) -> ResourceLink:
    db.session.execute(update(ResourceLink).values(attempts_allowed=attempts))
    db.session.commit()
    link = db.session.scalars(select(ResourceLink)).one()
    db.session.commit()
    return link


def finish(stage: Stage, alice: Person, registration: str, scaled: float) -> None:
    result = PASSED if scaled >= 80 else FAILED
    stage.finish_course(registration, **result, scaled=scaled)
    alice.get(stage.exit_url(registration))
    wait_for(lambda: _stored(registration) == scaled, "the result")


def _stored(registration: str) -> float | None:
    query = select(Registration.score_scaled).where(Registration.registration_id == registration)
    found = db.session.scalar(query)
    db.session.rollback()
    return found


def choose(stage: Stage, page: requests.Response, alice: Person, choice: str) -> str:
    """Press a button of the page and return the registration that the player was opened for."""
    form = read_page(page.text, page.url).forms[0]
    before = stage.links_built()
    answer = alice.post(form.action, {**form.fields, "choice": choice})
    assert answer.status_code == 303, answer.text
    after = stage.links_built()
    (registration,) = [name for name, built in after.items() if built != before.get(name)]
    return registration


@pytest.mark.usefixtures("rows")
def test_second_attempt_is_offered_and_graded(stage: Stage) -> None:
    activity = stage.activities["Fire safety"]
    alice = stage.person("alice")
    first = alice.open_player(activity)
    link = allow(2)
    finish(stage, alice, first, 50)
    stage.wait_for_grade("alice", activity, 50)

    page = alice.enter(activity)
    second = choose(stage, page, alice, "another")
    finish(stage, alice, second, 85)

    assert "Begin attempt 2" in page.text
    assert second != first
    stage.wait_for_grade("alice", activity, 85)
    change_policy(stage.services, link, {"answer": "average"})
    stage.wait_for_grade("alice", activity, 67.5)
    change_policy(stage.services, link, {"answer": "first"})
    stage.wait_for_grade("alice", activity, 50)


@pytest.mark.usefixtures("rows")
def test_going_back_keeps_the_first_attempt(stage: Stage) -> None:
    activity = stage.activities["Fire safety"]
    alice = stage.person("alice")
    first = alice.open_player(activity)
    allow(0)
    finish(stage, alice, first, 50)

    again = choose(stage, alice.enter(activity), alice, "same")

    assert again == first
    assert db.session.scalar(select(func.count(Registration.id))) == 1
    db.session.commit()


@pytest.mark.usefixtures("rows")
def test_unfinished_attempt_is_resumed_without_a_question(stage: Stage) -> None:
    activity = stage.activities["Fire safety"]
    alice = stage.person("alice")
    first = alice.open_player(activity)
    allow(3)

    assert alice.open_player(activity) == first


@pytest.mark.usefixtures("rows")
def test_last_attempt_leads_straight_to_the_player(stage: Stage) -> None:
    activity = stage.activities["Fire safety"]
    alice = stage.person("alice")
    first = alice.open_player(activity)
    allow(1)
    finish(stage, alice, first, 50)

    assert alice.open_player(activity) == first


@pytest.mark.usefixtures("rows")
def test_double_click_begins_one_attempt(stage: Stage) -> None:
    activity = stage.activities["Fire safety"]
    alice = stage.person("alice")
    first = alice.open_player(activity)
    allow(0)
    finish(stage, alice, first, 50)
    page = alice.enter(activity)

    registrations = {choose(stage, page, alice, "another") for _ in range(2)}

    assert len(registrations) == 1
    assert first not in registrations


def grade_number() -> int:
    found = db.session.scalars(select(Grade.id)).one()
    db.session.commit()
    return found


@pytest.mark.usefixtures("rows")
def test_allowed_attempt_is_offered_to_this_learner(stage: Stage) -> None:
    activity = stage.activities["Fire safety"]
    alice, ben = stage.person("alice"), stage.person("ben")
    first = alice.open_player(activity)
    finish(stage, alice, first, 50)
    by_hand.allow_another_attempt(stage.services, grade_number(), "Ida")
    by_hand.allow_another_attempt(stage.services, grade_number(), "Ida")

    page = alice.enter(activity)
    second = choose(stage, page, alice, "another")
    finish(stage, alice, second, 85)
    third = choose(stage, alice.enter(activity), alice, "another")
    finish(stage, alice, third, 60)

    assert "Begin attempt 2" in page.text
    assert len({first, second, third}) == 3
    stage.wait_for_grade("alice", activity, 85)
    assert alice.open_player(activity) == third
    bens = ben.open_player(activity)
    finish(stage, ben, bens, 50)
    assert ben.open_player(activity) == bens


@pytest.mark.usefixtures("rows")
def test_activity_without_a_limit_needs_no_allowance(stage: Stage) -> None:
    stage.person("alice").open_player(stage.activities["Fire safety"])
    allow(0)

    with pytest.raises(Refused, match="no limit"):
        by_hand.allow_another_attempt(stage.services, grade_number(), "Ida")
