"""Submission review: the learner's result, for staff and for the learner alone."""

import pytest
from sqlalchemy import select, update

from lti_bridge.core.db import db
from lti_bridge.registrations.models import Registration
from tests.mini_platform import INSTRUCTOR, LEARNER, captured
from tests.world import World, code, count

REVIEW = {"message_type": "LtiSubmissionReviewRequest"}


def review(world: World, whose: str, **changes: object) -> object:
    return world.enter(**REVIEW, for_user={"user_id": whose}, **changes)


def test_instructor_sees_result_and_story(world: World) -> None:
    world.launch()
    progress = {"completion": "COMPLETED", "success": "PASSED", "score_scaled": 85.5}
    db.session.execute(update(Registration).values(progress))
    db.session.commit()

    page = review(world, "alice", roles=[INSTRUCTOR], sub="ida")

    assert page.status_code == 200
    assert "Alice Learner" in page.text
    assert "completed, passed" in page.text
    assert "85.5 of 100" in page.text
    assert "Everything that happened" in page.text
    assert count(Registration) == 1


def test_learner_sees_their_own_result_without_the_story(world: World) -> None:
    world.launch()

    page = review(world, "alice", roles=[LEARNER])

    assert "Your result" in page.text
    assert "In progress" in page.text
    assert "Everything that happened" not in page.text


def test_learner_sees_no_other_learner(world: World) -> None:
    world.launch()

    page = review(world, "alice", roles=[LEARNER], sub="mallory")

    assert (page.status_code, code(page)) == (403, "not_for_you")
    assert "Alice" not in page.text


@pytest.mark.parametrize("roles", [[INSTRUCTOR], [LEARNER]], ids=["instructor", "learner"])
def test_nothing_begun_is_said_plainly(world: World, roles: list[str]) -> None:
    page = review(world, "bob" if roles == [INSTRUCTOR] else "alice", roles=roles)

    assert page.status_code == 200
    assert "not opened this activity yet" in page.text
    assert count(Registration) == 0


def test_recorded_review_names_its_learner(world: World) -> None:
    claims = captured("launch_submission_review.json")["claims"]
    lti = "https://purl.imsglobal.org/spec/lti/claim/"
    world.launch(sub=claims[f"{lti}for_user"]["user_id"], given_name="Sam")
    taken = {key: claims[key] for key in (f"{lti}for_user", f"{lti}roles", f"{lti}message_type")}

    page = world.enter(sub=claims["sub"], **taken)

    assert page.status_code == 200
    assert "Sam" in page.text
    assert db.session.scalars(select(Registration)).one().learner.sub == "4"
    db.session.commit()
