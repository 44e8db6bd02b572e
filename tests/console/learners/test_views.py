"""The console's pages on learners: found, told, helped, and let go of, inside one's scope."""

import json
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from lti_bridge.audit.models import AuditEntry
from lti_bridge.core.db import db
from lti_bridge.passback.models import Score, ScoreTry
from lti_bridge.platforms.connection_values import PlatformFacts
from lti_bridge.platforms.models import Platform
from lti_bridge.platforms.registry import add_platform
from lti_bridge.registrations.models import Grade, Learner, Registration, TrailEvent
from tests.console.visitors import press, sign_in_admin, sign_in_owner
from tests.rows import make_deployment
from tests.world import World, count

NAMES = {"given_name": "Bob", "family_name": "Ünal", "email": "bob@school.example"}


@pytest.fixture
def bob(world: World) -> int:
    """The number of a learner who has opened an activity."""
    assert world.launch(sub="bob", **NAMES).status_code == 303
    number = db.session.scalars(select(Learner.id).where(Learner.sub == "bob")).one()
    db.session.commit()
    return number


@pytest.fixture
def owner(app: Flask, world: World) -> FlaskClient:
    return sign_in_owner(app.test_client(), world.services)


def grade_of(learner_id: int) -> int:
    number = db.session.scalars(select(Grade.id).where(Grade.learner_id == learner_id)).one()
    db.session.commit()
    return number


def queue_score(grade_id: int, now: Any) -> None:
    """Let a decision wait to be sent."""
    db.session.add(
        Score(
            grade_id=grade_id,
            sequence=1,
            attempt=1,
            course_id="golf",
            inferred=False,
            score_given=80,
            state="queued",
            reason="The course reported a score of 80.",
            decided_at=now,
        )
    )
    db.session.get_one(Grade, grade_id).next_send_at = now
    db.session.commit()


def audited() -> list[tuple[str, str, str]]:
    rows = db.session.execute(select(AuditEntry.actor, AuditEntry.action, AuditEntry.subject))
    found = [tuple(row) for row in rows if row.action not in ("join", "grant")]
    db.session.commit()
    return found


@pytest.mark.parametrize(
    "text",
    ["ob", "ünal", "Bob Ünal", "bob", "bob@SCHOOL"],
    ids=[
        "part of the name",
        "family name in small letters",
        "whole name",
        "user id",
        "part of the address",
    ],
)
def test_owner_finds_a_learner(owner: FlaskClient, bob: int, text: str) -> None:
    if text == "ünal" and db.engine.dialect.name == "sqlite":
        text = "Ünal"  # SQLite knows capitals of ASCII alone
    page = owner.get("/console/learners", query_string={"search": text})

    assert f"/console/learners/{bob}" in page.text
    assert "Bob Ünal" in page.text


def test_registration_id_finds_its_learner(owner: FlaskClient, bob: int) -> None:
    name = db.session.scalars(select(Registration.registration_id)).one()
    db.session.commit()

    page = owner.get("/console/learners", query_string={"search": name})

    assert f"/console/learners/{bob}" in page.text


def test_search_without_a_result_is_explained(owner: FlaskClient, bob: int) -> None:
    page = owner.get("/console/learners?search=zoe")

    assert "Nobody was found" in page.text


def test_story_goes_from_launch_to_gradebook(owner: FlaskClient, bob: int) -> None:
    page = owner.get(f"/console/learners/{bob}").text

    assert "Bob Ünal" in page
    assert "The learner opened the activity." in page
    assert "SCORM Cloud made the registration." in page
    assert "In progress" in page
    assert "no result yet" in page


def test_story_says_what_the_lms_holds_and_when_it_was_sent(
    world: World, owner: FlaskClient, bob: int
) -> None:
    grade_id, now = grade_of(bob), world.services.now()
    queue_score(grade_id, now)
    score = db.session.scalars(select(Score)).one()
    score.state, score.standing, score.held_after = "accepted", "kept", 77.0
    score.reason = "The LMS took 80 of 100 and keeps 77, which somebody set there."
    score.registration_id = db.session.scalars(select(Registration.id)).one()
    posted = now - timedelta(minutes=3)
    db.session.add(ScoreTry(score_id=score.id, tried_at=posted, outcome="accepted", status=200))
    db.session.get_one(Grade, grade_id).next_send_at = None
    db.session.commit()

    page = " ".join(owner.get(f"/console/learners/{bob}").text.split())

    assert "Another grade stands: 80 of 100" in page
    assert "The LMS held 77 of 100 when it was read last." in page
    assert "keeps 77, which somebody set there." in page
    assert f"Sent at {posted:%Y-%m-%d %H:%M:%S} UTC." in page
    assert "1 of 1 attempt used." in page


def test_read_again_is_done_and_kept(world: World, owner: FlaskClient, bob: int) -> None:
    grade_id = grade_of(bob)

    address = f"/console/learners/{bob}"
    answer = press(owner, address, f"/console/learners/grades/{grade_id}/reread")

    assert answer.location == address
    grade = db.session.get_one(Grade, grade_id, populate_existing=True)
    assert grade.next_read_at == world.services.now()
    assert audited() == [("owner olga", "reread", f"grade {grade_id}")]
    texts = list(db.session.scalars(select(TrailEvent.text).where(TrailEvent.kind == "steer")))
    assert texts == ["The owner olga asked to read the result again."]


def test_sending_again_is_asked_about(owner: FlaskClient, bob: int) -> None:
    grade_id = grade_of(bob)
    place = f"/console/learners/grades/{grade_id}/resend"

    asked = owner.get(place).text
    press(owner, place, place)

    assert "A grade that a teacher has typed in may be replaced" in asked
    assert db.session.get_one(Grade, grade_id, populate_existing=True).resend == "asked"
    assert audited() == [("owner olga", "resend", f"grade {grade_id}")]


def test_waiting_score_is_parked(world: World, owner: FlaskClient, bob: int) -> None:
    grade_id = grade_of(bob)
    queue_score(grade_id, world.services.now())

    page = owner.get(f"/console/learners/{bob}").text
    press(owner, f"/console/learners/{bob}", f"/console/learners/grades/{grade_id}/park")

    assert "Try now" in page
    assert 'http-equiv="refresh"' in page  # until its result shows
    db.session.expire_all()
    assert [score.state for score in db.session.scalars(select(Score))] == ["parked"]


def test_refused_action_leaves_no_entry(owner: FlaskClient, bob: int) -> None:
    answer = press(
        owner, f"/console/learners/{bob}", f"/console/learners/grades/{grade_of(bob)}/park"
    )

    assert (answer.status_code, "Nothing is waiting to be sent" in answer.text) == (400, True)
    assert audited() == []


def test_unknown_button_is_nothing(owner: FlaskClient, bob: int) -> None:
    address = f"/console/learners/grades/{grade_of(bob)}/explode"

    assert press(owner, f"/console/learners/{bob}", address).status_code == 404


def test_admin_helps_their_learners(world: World, bob: int) -> None:
    admin = sign_in_admin(world)

    page = admin.get(f"/console/learners/{bob}")
    address = f"/console/learners/grades/{grade_of(bob)}/reread"
    press(admin, f"/console/learners/{bob}", address)

    assert "Erase" not in page.text
    assert audited() == [
        ("platform admin admin adam of School", "reread", f"grade {grade_of(bob)}")
    ]


@pytest.mark.parametrize("whole_platform", [True, False], ids=["other platform", "other part"])
def test_admin_sees_no_other_learner(world: World, bob: int, whole_platform: bool) -> None:
    """Bob moves: to another platform, or to another deployment of the same."""
    admin = sign_in_admin(world, whole_platform=whole_platform)
    grade_id = grade_of(bob)
    _move(world, bob, elsewhere=whole_platform)

    found = admin.get("/console/learners?search=Bob").text
    story = admin.get(f"/console/learners/{bob}")
    asked = admin.get(f"/console/learners/grades/{grade_id}/resend")
    address = f"/console/learners/grades/{grade_id}/reread"
    pressed = press(admin, "/console/learners", address)

    assert f"/console/learners/{bob}" not in found
    assert (story.status_code, asked.status_code, pressed.status_code) == (404, 404, 404)
    assert audited() == []


def _move(world: World, learner_id: int, *, elsewhere: bool) -> None:
    now = world.services.now()
    grade = db.session.scalars(select(Grade).where(Grade.learner_id == learner_id)).one()
    deployment = grade.resource_link.deployment
    if elsewhere:
        url = "https://other.example"
        facts = PlatformFacts(
            name="Other",
            issuer=url,
            client_id="client-1",
            authorization_url=f"{url}/auth",
            token_url=f"{url}/token",
            jwks_url=f"{url}/jwks",
            dialect="generic",
        )
        add_platform(facts, "1", now=now)
        platform = db.session.scalars(select(Platform).where(Platform.name == "Other")).one()
        deployment = platform.deployments[0]
        grade.platform = grade.learner.platform = platform
    else:
        deployment = make_deployment(deployment.platform, "2")
    grade.resource_link.deployment = deployment
    db.session.commit()


def test_everything_kept_is_handed_out(owner: FlaskClient, bob: int) -> None:
    place = f"/console/learners/{bob}/export"
    answer = press(owner, f"/console/learners/{bob}", place)

    assert f'filename="learner-{bob}.json"' in answer.headers["Content-Disposition"]
    assert "bob@school.example" in json.dumps(answer.json)
    assert audited() == [("owner olga", "export", f"learner {bob}")]


def test_erasure_wants_the_user_id(owner: FlaskClient, bob: int) -> None:
    place = f"/console/learners/{bob}/erase"

    asked = owner.get(place).text
    answer = press(owner, place, place, sub="alice")

    assert "Lost for good" in asked
    assert "registrations: 1" in asked
    assert (answer.status_code, count(Learner)) == (400, 1)
    assert "That is not the user id; nothing was erased" in answer.text


def test_erased_learner_is_gone(world: World, owner: FlaskClient, bob: int) -> None:
    place = f"/console/learners/{bob}/erase"

    answer = press(owner, place, place, sub="bob")

    assert "Everything is erased" in answer.text
    assert (count(Learner), count(Registration)) == (0, 0)
    assert owner.get(f"/console/learners/{bob}").status_code == 404


def test_admin_erases_no_learner(world: World, bob: int) -> None:
    admin = sign_in_admin(world)

    answers = [
        admin.get(f"/console/learners/{bob}/erase"),
        press(admin, "/console/learners", f"/console/learners/{bob}/erase", sub="bob"),
        press(admin, "/console/learners", f"/console/learners/{bob}/export"),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert count(Learner) == 1
