"""The console's first page: what needs somebody, for those whom it concerns, and what is due."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from lti_bridge.core.db import db
from lti_bridge.core.errors import Unavailable
from lti_bridge.passback.models import Score
from lti_bridge.platforms.models import Deployment, Platform
from lti_bridge.registrations.models import Grade, Learner
from tests.console.visitors import knock, sign_in_admin, sign_in_owner
from tests.rows import add_link
from tests.world import World


@pytest.fixture
def owner(app: Flask, world: World) -> FlaskClient:
    return sign_in_owner(app.test_client(), world.services)


def park(world: World, sub: str, reason: str, platform: Platform | None = None) -> None:
    """Add a learner whose score waits for help."""
    now = world.services.now()
    known = db.session.scalars(select(Platform)).first() if platform is None else platform
    assert known is not None
    link = add_link(now, f"link-{sub}")
    link.deployment = known.deployments[0]
    learner = Learner(
        platform=known,
        platform_identity=known.identity,
        sub=sub,
        scorm_learner_id=sub,
        created_at=now,
    )
    grade = Grade(resource_link=link, learner=learner, platform=known)
    db.session.add(grade)
    db.session.flush()
    values: dict[str, Any] = {"sequence": 1, "attempt": 1, "course_id": "golf", "inferred": False}
    values |= {"score_given": 80, "state": "parked", "reason": reason, "decided_at": now}
    db.session.add(Score(grade_id=grade.id, **values))
    db.session.commit()


def text_of(browser: FlaskClient) -> str:
    page = browser.get("/console/")
    assert page.status_code == 200
    return " ".join(page.text.split())


def test_quiet_bridge_needs_nobody(owner: FlaskClient) -> None:
    page = text_of(owner)

    assert "Nothing right now." in page
    assert "0 scores wait to be sent" in page
    assert "0 jobs in the queue" in page


def test_empty_bridge_says_how_to_begin(app: Flask, services: Any) -> None:
    page = text_of(sign_in_owner(app.test_client(), services))

    assert "No LMS is connected yet" in page


def test_stuck_scores_are_counted_by_reason(world: World, owner: FlaskClient) -> None:
    park(world, "u1", "The column is gone.")
    park(world, "u2", "The column is gone.")
    park(world, "u3", "Gave up: it was tried for too long.")

    page = text_of(owner)

    assert page.index("The column is gone.") < page.index("Gave up")
    assert "<td>2</td>" in page
    assert "Nothing right now" not in page


def test_link_leads_to_one_of_the_stuck(world: World, owner: FlaskClient) -> None:
    park(world, "u1", "The column is gone.")
    number = db.session.scalars(select(Learner.id)).one()
    db.session.commit()

    assert f'href="/console/learners/{number}"' in text_of(owner)
    assert owner.get(f"/console/learners/{number}").status_code == 200


def test_what_waits_for_an_owner(world: World, owner: FlaskClient) -> None:
    knock(world)
    world.launch(deployment_id="2", sub="bob")

    page = text_of(owner)

    assert "1 admin of an LMS asks for the console" in page
    assert "Installation 2 of School waits for approval" in page


def test_overdue_grades_ask_for_a_worker(world: World, owner: FlaskClient) -> None:
    park(world, "u1", "The column is gone.")
    grade = db.session.scalars(select(Grade)).one()
    grade.next_read_at = world.services.now() - timedelta(minutes=7)
    db.session.commit()

    page = text_of(owner)

    assert "1 grade is due, the oldest since 7 minutes." in page
    assert "Is a worker running?" in page


def test_queue_that_is_away_is_said(world: World, owner: FlaskClient) -> None:
    def refuse() -> int:
        raise Unavailable("away")

    vars(world.services.queue)["size"] = refuse

    assert "The queue does not answer" in text_of(owner)


def test_admin_sees_only_what_is_theirs(world: World) -> None:
    now = world.services.now()
    other = Platform(
        identity="d2b3e1ba-9320-5434-95a0-fcc1a157629d",
        name="Other school",
        issuer="https://other.example",
        client_id="client-1",
        authorization_url="https://other.example/auth",
        token_url="https://other.example/token",
        jwks_url="https://other.example/jwks",
        dialect="moodle",
        privacy="named",
        frame_origins=[],
        created_at=now,
    )
    deployment = Deployment(
        platform=other,
        deployment_id="77",
        identity="94c7e6d5-83b8-5726-82ad-37c35a40227f",
        status="pending",
        created_at=now,
    )
    db.session.add_all([other, deployment])
    db.session.commit()
    park(world, "u1", "Theirs is stuck.", other)
    park(world, "u2", "Mine is stuck.")

    page = text_of(sign_in_admin(world))

    assert "Mine is stuck." in page
    assert "Theirs is stuck." not in page
    assert "Installation 77" not in page
    assert "jobs in the queue" not in page


def test_admin_of_one_installation_sees_less(world: World) -> None:
    park(world, "u2", "Mine is stuck.")
    inside = text_of(sign_in_admin(world, whole_platform=False))
    link = db.session.scalars(select(Grade)).one().resource_link
    link.deployment = Deployment(
        platform=link.deployment.platform,
        deployment_id="2",
        identity="94c7e6d5-83b8-5726-82ad-37c35a402281",
        status="active",
        created_at=world.services.now(),
    )
    db.session.commit()

    assert "Mine is stuck." in inside
    assert "Mine is stuck." not in text_of(world.browser)
