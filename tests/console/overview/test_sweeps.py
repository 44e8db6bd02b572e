"""The overview says whether SCORM Cloud is looked through."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from lti_bridge.core.db import db
from lti_bridge.passback.models import SweepCursor
from lti_bridge.platforms.models import ScormAccount
from tests.console.visitors import sign_in_owner
from tests.world import World


@pytest.fixture
def owner(app: Flask, world: World) -> FlaskClient:
    return sign_in_owner(app.test_client(), world.services)


def text_of(owner: FlaskClient) -> str:
    return " ".join(owner.get("/console/").text.split())


def test_late_sweep_asks_for_a_worker(world: World, owner: FlaskClient) -> None:
    now = world.services.now()
    account = db.session.scalars(select(ScormAccount)).first()
    assert account is not None
    cursor = db.session.scalars(select(SweepCursor)).first()
    cursor = cursor or SweepCursor(scorm_account_id=account.id)
    cursor.since, cursor.swept_at = now - timedelta(minutes=15), now - timedelta(seconds=40)
    cursor.next_sweep_at = now
    db.session.add(cursor)
    db.session.commit()
    fresh = text_of(owner)
    cursor.next_sweep_at = now - timedelta(minutes=6)
    db.session.commit()

    assert "The next look is overdue" not in fresh
    assert "last looked through 40 s ago" in fresh
    assert "The next look is overdue" in text_of(owner)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "119 min"), (7200, "2 h"), (172800, "2 d")],
    ids=[
        "now",
        "last of the seconds",
        "first of the minutes",
        "last of the minutes",
        "first of the hours",
        "days",
    ],
)
def test_time_since_the_last_look_is_short(
    world: World, owner: FlaskClient, seconds: int, said: str
) -> None:
    account = db.session.scalars(select(ScormAccount)).one()
    at = world.services.now() - timedelta(seconds=seconds)
    db.session.add(SweepCursor(scorm_account_id=account.id, swept_at=at))
    db.session.commit()

    assert f"last looked through {said} ago" in text_of(owner)
