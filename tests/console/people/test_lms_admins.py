"""An LMS admin's way into the console: asked once, granted by an owner, taken back at once."""

from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import pytest
from flask import Flask
from sqlalchemy import select, update

from lti_bridge.audit.models import AuditEntry
from lti_bridge.console.people.lms_admins import ASKING_AT_MOST, grant, list_grants, revoke
from lti_bridge.core.db import db
from lti_bridge.core.errors import ConfigurationError
from lti_bridge.people.models import ConsoleGrant
from lti_bridge.platforms.deployments import approve_deployment
from lti_bridge.platforms.models import Platform
from lti_bridge.web.page_tokens import read_page as read_token
from tests.conftest import FakeClock
from tests.console.visitors import ADMIN, go_through, knock, press, sign_in_admin, sign_in_owner
from tests.html import read_page
from tests.mini_platform import INSTRUCTOR, LEARNER
from tests.world import World, code, count, page_token


def other_browser(app: Flask, world: World) -> World:
    return replace(world, browser=app.test_client())


def test_admin_asks_and_waits(world: World) -> None:
    first, second = knock(world), knock(world)

    assert "An owner of this bridge has to let you in" in first.text
    assert second.status_code == 200
    assert [(row.sub, row.granted_at) for row in list_grants()] == [("adam", None)]
    db.session.commit()


def test_wish_shows_who_asks_of_which_lms_since_when(app: Flask, world: World) -> None:
    knock(world, "adam")
    world.launch(sub="alma", given_name="Alma", family_name="Andersen")
    knock(other_browser(app, world), "alma")
    owner = sign_in_owner(app.test_client(), world.services)

    text = " ".join(owner.get("/console/people").text.split())

    assert '<th scope="row">adam</th>' in text
    assert 'Alma Andersen<br><span class="small quiet">alma</span>' in text
    lms = 'School<br><span class="small quiet">installation 1</span></td>'
    assert f"<td>{lms} <td>{world.services.now():%Y-%m-%d %H:%M}</td>" in text


def test_granted_admin_sees_the_activities(world: World) -> None:
    world.launch(resource_link={"id": "link-9", "title": "Swimming"}, sub="bob")

    page = sign_in_admin(world).get("/console/activities").text

    assert "School" in page
    assert "Swimming" in page
    assert "Golf" in page


def test_every_activity_opens_from_there(world: World) -> None:
    world.launch(sub="bob")
    page = sign_in_admin(world).get("/console/activities")
    (link,) = [a for _, a in read_page(page.text, "/").links if "/console/link" in a]

    opened = world.browser.get(link)

    assert opened.status_code == 200
    assert "bob" in opened.text or "Alice Learner" in opened.text


def test_search_finds_activities(world: World) -> None:
    world.launch(resource_link={"id": "link-9", "title": "Swimming 100%"}, sub="bob")
    browser = sign_in_admin(world)

    found = browser.get("/console/activities?search=100%25").text
    nothing = browser.get("/console/activities?search=_").text

    assert "Swimming" in found
    assert ">Golf<" not in found
    assert "No activity fits the search" in nothing


def test_owner_decides_on_the_page(app: Flask, world: World) -> None:
    knock(world)
    (number,) = [one.id for one in list_grants()]
    db.session.commit()
    owner = sign_in_owner(app.test_client(), world.services)

    waiting = owner.get("/console/people").text
    answer = press(
        owner, "/console/people", f"/console/people/grants/{number}", decision="platform"
    )

    assert "adam" in waiting
    assert answer.status_code == 303
    assert go_through(world, knock(world)).location == "/console/"
    said = db.session.scalars(select(AuditEntry.text).where(AuditEntry.action == "grant")).all()
    assert said == ["LMS admin adam: let them into the console of the platform"]


def test_unknown_decision_is_refused(app: Flask, world: World) -> None:
    knock(world)
    (number,) = [one.id for one in list_grants()]
    db.session.commit()
    owner = sign_in_owner(app.test_client(), world.services)

    answer = press(owner, "/console/people", f"/console/people/grants/{number}", decision="x")

    assert (answer.status_code, "Choose what to grant" in answer.text) == (400, True)
    assert [one.granted_at for one in list_grants()] == [None]


def test_grant_of_one_installation_ends_there(app: Flask, world: World) -> None:
    world.launch(resource_link={"id": "link-9", "title": "Swimming"}, sub="bob")
    world.launch(deployment_id="2", sub="bob")
    approve_deployment(db.session.scalars(select(Platform)).one(), "2")
    db.session.commit()
    world.launch(resource_link={"id": "link-7", "title": "Diving"}, sub="bob", deployment_id="2")

    page = sign_in_admin(world, whole_platform=False, deployment_id="2").get("/console/activities")

    assert "Diving" in page.text
    assert "Swimming" not in page.text


def test_revoked_admin_is_out_at_once(world: World) -> None:
    browser = sign_in_admin(world)
    revoke(list_grants()[0].id, now=world.services.now())

    assert browser.get("/console/activities").location.startswith("/console/sign-in")


def test_admin_of_a_disabled_platform_is_out(world: World) -> None:
    browser = sign_in_admin(world)
    db.session.execute(update(Platform).values(disabled_at=world.services.now()))
    db.session.commit()

    assert browser.get("/console/activities").location.startswith("/console/sign-in")


@pytest.mark.parametrize("roles", [[INSTRUCTOR], [LEARNER]], ids=["instructor", "learner"])
def test_others_find_no_door(world: World, roles: list[str]) -> None:
    page = world.enter(roles=roles)

    assert "/console/enter" not in page.text


def test_instructor_s_token_opens_nothing(world: World) -> None:
    sign_in_admin(world)
    page = page_token(world.launch(roles=[INSTRUCTOR], sub="adam").location)

    knocked = world.browser.post("/console/enter", data={"page": unquote(page)})

    assert code(knocked) == "not_for_you"


def test_wishes_are_capped(world: World) -> None:
    world.enter(roles=[ADMIN])
    platform_id = db.session.scalars(select(Platform.id)).one()
    for number in range(ASKING_AT_MOST):
        db.session.add(
            ConsoleGrant(platform_id=platform_id, sub=f"u{number}", asked_at=world.services.now())
        )
    db.session.commit()

    knock(world, "one more")

    assert count(ConsoleGrant) == ASKING_AT_MOST


def test_unknown_number_is_said(world: World) -> None:
    with pytest.raises(ConfigurationError, match="there is no wish 7"):
        grant(7, now=world.services.now())


def test_token_of_an_activity_stays_with_its_platform(world: World) -> None:
    world.launch(sub="bob")
    page = sign_in_admin(world).get("/console/activities")
    (link,) = [a for _, a in read_page(page.text, "/").links if "/console/link" in a]

    token = read_token(world.services, unquote(link.partition("page=")[2]))

    assert (token.sub, token.visitor, dict(token.data)) == ("adam", "admin", {})


def test_admin_who_teaches_finds_the_door_too(world: World) -> None:
    """Moodle and Canvas call an admin an instructor of every course besides."""
    page: Any = world.enter(roles=[ADMIN, INSTRUCTOR])

    assert "/console/enter" in page.text


def granted(world: World) -> None:
    """Let adam into the console, as an owner would."""
    knock(world)
    (row,) = list_grants()
    grant(row.id, now=world.services.now())


def is_inside(browser: Any) -> bool:
    return browser.get("/console/").status_code == 200


def test_door_opens_once(app: Flask, world: World) -> None:
    granted(world)
    door = knock(world)
    assert go_through(world, door).location == "/console/"

    other = other_browser(app, world)
    again = go_through(other, door)

    assert (again.status_code, code(again)) == (400, "console_door_closed")
    assert not is_inside(other.browser)


@pytest.mark.parametrize("seconds, opens", [(60, True), (61, False)], ids=["in time", "too late"])
def test_door_opens_within_a_minute(world: World, clock: FakeClock, seconds, opens) -> None:
    granted(world)
    door = knock(world)
    clock.advance(seconds)

    go_through(world, door)

    assert is_inside(world.browser) is opens


def test_address_of_a_page_opens_no_console(app: Flask, world: World) -> None:
    granted(world)
    address = world.launch(roles=[ADMIN], sub="adam").location
    thief = app.test_client()
    page = thief.get(address)
    forms = [f for f in read_page(page.text, "/").forms if "/console/enter" in f.action]

    answers = [thief.post(form.action, data=form.fields) for form in forms]
    answers.append(thief.post("/console/enter/door", data={"door": page_token(address)}))

    assert [code(one) for one in answers] == ["page_not_yours", "console_door_closed"]
    assert not is_inside(thief)


def test_browser_of_another_page_opens_no_console(app: Flask, world: World) -> None:
    granted(world)
    address = world.launch(roles=[ADMIN], sub="adam").location
    mallory = other_browser(app, world)
    mallory.launch(roles=[ADMIN], sub="mallory")

    answer = mallory.browser.post("/console/enter", data={"page": page_token(address)})

    assert code(answer) == "page_not_yours"


def test_two_pages_of_one_browser_both_open(world: World) -> None:
    granted(world)
    first, second = (page_token(world.launch(roles=[ADMIN], sub="adam").location) for _ in "12")

    for page in (first, second):
        door = world.browser.post("/console/enter", data={"page": page})
        assert go_through(world, door).location == "/console/"


def test_door_closes_with_the_grant(world: World) -> None:
    granted(world)
    door = knock(world)
    (row,) = list_grants()
    revoke(row.id, now=world.services.now())

    assert code(go_through(world, door)) == "console_door_closed"


def test_page_s_secret_is_kept_from_scripts(world: World) -> None:
    answer = world.launch(roles=[ADMIN], sub="adam")

    (kept,) = [c for c in answer.headers.getlist("Set-Cookie") if c.startswith("lti_bridge_page=")]
    assert "HttpOnly" in kept
    assert "Max-Age=3600" in kept


def test_teacher_s_page_keeps_no_secret(world: World) -> None:
    answer = world.launch(roles=[INSTRUCTOR])

    assert "lti_bridge_page" not in str(answer.headers)
