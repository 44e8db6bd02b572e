"""Reset an attempt, or allow another, at the console: asked, said, audited, inside one's scope."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from lti_bridge.audit.models import AuditEntry
from lti_bridge.core.db import db
from lti_bridge.core.errors import NotFound, Refused, Unavailable
from lti_bridge.passback.models import Score
from lti_bridge.registrations.models import Grade, Registration, TrailEvent
from lti_bridge.scorm_cloud.client import ScormCloudClient
from tests.console.visitors import press, sign_in_admin, sign_in_owner
from tests.privacy.people import People
from tests.rows import make_deployment
from tests.world import World


@pytest.fixture
def owner(app: Flask, world: World) -> FlaskClient:
    return sign_in_owner(app.test_client(), world.services)


@pytest.fixture
def registration(people: People) -> Registration:
    """Bob's only attempt, finished and graded."""
    row = db.session.scalars(
        select(Registration).where(Registration.learner_id == people.bob)
    ).one()
    row.completion, row.success = "COMPLETED", "PASSED"
    row.score_scaled = row.best_real_score = 80.0
    db.session.commit()
    return row


def kept() -> list[tuple[str, str]]:
    found = db.session.execute(select(AuditEntry.action, AuditEntry.text).order_by(AuditEntry.id))
    texts = [(action, text) for action, text in found if action.startswith(("reset", "another"))]
    db.session.commit()
    return texts


def place_of(registration: Registration) -> str:
    return f"/console/learners/attempts/{registration.id}/reset"


def test_reset_says_what_is_lost_and_asks_twice(
    owner: FlaskClient, registration: Registration
) -> None:
    asked = owner.get(place_of(registration))
    unsure = press(owner, place_of(registration), place_of(registration))

    assert "the bookmark" in asked.text
    assert "The gradebook keeps its grade" in asked.text
    assert (unsure.status_code, "nothing was reset" in unsure.text) == (400, True)
    assert kept() == []


def test_reset_wipes_progress_and_keeps_the_grade(
    world: World, people: People, owner: FlaskClient, registration: Registration
) -> None:
    answer = press(owner, place_of(registration), place_of(registration), sure="1")

    assert answer.location == f"/console/learners/{people.bob}"
    db.session.refresh(registration)
    assert (registration.completion, registration.success, registration.score_scaled) == (
        "UNKNOWN",
        "UNKNOWN",
        None,
    )
    assert registration.best_real_score == 80
    client = world.services.scorm_cloud(registration.account)
    assert client.get_registration(registration.registration_id).score_scaled is None
    scores = select(Score.state, Score.score_given).where(Score.registration_id == registration.id)
    assert [tuple(row) for row in db.session.execute(scores)] == [("accepted", 80.0)]
    assert [action for action, _ in kept()] == ["reset", "reset-outcome"]
    trail = select(TrailEvent.text).where(TrailEvent.kind == "reset").order_by(TrailEvent.id)
    assert list(db.session.scalars(trail)) == [
        "The owner olga asked to reset attempt 1.",
        "SCORM Cloud reset the attempt. The gradebook keeps its grade.",
    ]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NotFound("gone"), "no such registration"),
        (Refused("no"), "Allow delete"),
        (Refused("no", code="credentials"), "app id and secret key"),
        (Unavailable("silence"), "it is not known whether"),
    ],
    ids=["not found", "refused", "wrong credentials", "no answer"],
)
def test_reset_that_fails_is_told(
    owner: FlaskClient,
    registration: Registration,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    said: str,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(ScormCloudClient, "delete_progress", fail)

    answer = press(owner, place_of(registration), place_of(registration), sure="1")

    assert said in owner.get(answer.location).text
    db.session.refresh(registration)
    assert (registration.completion, registration.score_scaled) == ("COMPLETED", 80)
    assert said in kept()[-1][1]


def test_foreign_attempt_is_nothing(
    world: World, people: People, owner: FlaskClient, registration: Registration
) -> None:
    admin = sign_in_admin(world, whole_platform=False)
    grade = db.session.scalars(select(Grade).where(Grade.learner_id == people.bob)).one()
    mine = admin.get(place_of(registration)).status_code
    link = grade.resource_link
    link.deployment = make_deployment(link.deployment.platform, "2")
    db.session.commit()

    pressed = press(admin, "/console/learners", place_of(registration), sure="1")

    assert mine == 200
    assert (admin.get(place_of(registration)).status_code, pressed.status_code) == (404, 404)
    assert kept() == []


def test_another_attempt_is_allowed_and_kept(
    people: People, owner: FlaskClient, registration: Registration
) -> None:
    grade = db.session.scalars(select(Grade).where(Grade.learner_id == people.bob)).one()
    page = f"/console/learners/{people.bob}"

    press(owner, page, f"/console/learners/grades/{grade.id}/another")

    text = " ".join(owner.get(page).text.split())
    assert "1 of 2 attempts used." in text
    assert kept() == [("another", "allowed another attempt")]
    db.session.refresh(grade)
    assert grade.further_attempts == 1
