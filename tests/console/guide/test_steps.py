"""The set-up guide: every step from rows, and self-tests that are kept."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from lti_bridge.console.people.accounts import FIRST, make_invite
from lti_bridge.core.db import db
from lti_bridge.ops.models import CheckResult
from lti_bridge.platforms.keys import ensure_keys
from tests.console.visitors import PASSWORD, csrf_token, press, sign_in_owner
from tests.world import World

GUIDE = "/console/guide"


def steps(owner: FlaskClient) -> dict[str, bool]:
    answer: dict[str, bool] = owner.get(f"{GUIDE}/status").get_json()
    return answer


@pytest.fixture
def owner(app: Flask, world: World) -> FlaskClient:
    return sign_in_owner(app.test_client(), world.services)


def test_empty_bridge_begins_with_the_guide(app: Flask, services: Any) -> None:
    ensure_keys(services.signer, now=services.now())
    browser = sign_in_owner(app.test_client(), services)

    page = browser.get(GUIDE).text

    assert steps(browser) == dict.fromkeys(
        ("account", "platform", "launch", "course", "test"), False
    )
    assert "Add the account" in page
    for lms, told in (("canvas", "Developer Keys"), ("moodle", "You connect Moodle")):
        assert told in browser.get(GUIDE, query_string={"lms": lms}).text


def test_new_owner_of_an_empty_bridge_lands_there(app: Flask, services: Any) -> None:
    token = make_invite(FIRST, now=services.now())
    browser = app.test_client()
    page = browser.get("/console/welcome", query_string={"invite": token})
    form = {"invite": token, "name": "olga", "password": PASSWORD, "again": PASSWORD}

    answer = browser.post("/console/welcome", data={**form, "csrf_token": csrf_token(page)})

    assert answer.location == GUIDE


def test_steps_turn_green_one_by_one(world: World, owner: FlaskClient) -> None:
    assert steps(owner) == {
        "account": True,
        "platform": True,
        "launch": False,
        "course": False,
        "test": False,
    }

    world.launch()
    press(owner, GUIDE, "/console/checks")

    done = steps(owner)
    assert all(done[one] for one in ("launch", "course"))
    kept = {row.subject: row.mark for row in db.session.scalars(select(CheckResult))}
    assert set(kept) == {"bridge", "account 1", "platform 1"}
    assert done["test"] is ("failed" not in kept.values())


def test_refused_first_launch_is_approved_from_the_guide(world: World, owner: FlaskClient) -> None:
    row = db.session.execute(select(db.metadata.tables["deployment"])).one()
    db.session.execute(
        db.metadata.tables["deployment"].update().values(status="pending", deployment_id="5:x")
    )
    db.session.commit()
    db.session.expunge_all()  # the request shares the test's session
    assert row.status == "active"
    assert "installation 5:x of School" in owner.get(GUIDE).text

    told = {"deployment_id": "5:x", "back": "guide"}
    answer = press(owner, GUIDE, "/console/platforms/1/approve", **told)

    assert answer.location == GUIDE
    assert "nobody" not in owner.get(GUIDE).text


def test_self_test_of_a_platform_is_kept_and_shown(world: World, owner: FlaskClient) -> None:
    one = "/console/platforms/1"
    assert "not tested yet" in owner.get(one).text

    answer = press(owner, one, "/console/checks/platforms/1")

    assert answer.status_code == 303
    page = owner.get(one).text
    assert "not tested yet" not in page
    assert "key set" in page


def test_self_test_of_an_account_says_what_is_wrong(world: World, owner: FlaskClient) -> None:
    world.cloud.stop()

    press(owner, "/console/accounts", "/console/checks/accounts/1")

    page = owner.get("/console/accounts/1").text
    assert "Owner of the SCORM Cloud account can fix it" in page
    kept = db.session.scalars(select(CheckResult)).one()
    assert kept.mark == "failed"
