"""People at the console: sign in as an owner, or as an LMS admin who was let in."""

import re
from html import unescape
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from lti_bridge.console.people.accounts import FIRST, OWNER, make_invite, needs_first_account
from lti_bridge.console.people.lms_admins import grant, list_grants
from tests.html import read_page
from tests.world import World

PASSWORD = "correct horse battery"
ADMIN = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Administrator"


def sign_in_owner(browser: FlaskClient, services: Any, name: str = "olga") -> FlaskClient:
    """Make an owner's account by a one-time link; the browser is signed in afterwards.

    The caller has an app context, and no transaction open.
    """
    kind = FIRST if needs_first_account() else OWNER
    token = make_invite(kind, now=services.now())
    page = browser.get("/console/welcome", query_string={"invite": token})
    form = {"invite": token, "name": name, "password": PASSWORD, "again": PASSWORD}
    answer = browser.post("/console/welcome", data={**form, "csrf_token": csrf_token(page)})
    assert answer.status_code == 303, answer.text
    return browser


def knock(world: World, sub: str = "adam", **claims: Any) -> TestResponse:
    """Open an activity as an admin of the LMS and press the console's button."""
    page = world.enter(roles=[ADMIN], sub=sub, **claims)
    form = next(f for f in read_page(page.text, "/").forms if f.action.endswith("/enter"))
    return world.browser.post(form.action, data=form.fields)


def go_through(world: World, door: TestResponse) -> TestResponse:
    """Press the button of the page that opens the console in a window of its own."""
    (form,) = read_page(door.text, "/").forms
    return world.browser.post(form.action, data=form.fields)


def sign_in_admin(
    world: World, sub: str = "adam", *, whole_platform: bool = True, **claims: Any
) -> FlaskClient:
    """Let an LMS admin in by a launch and an owner's grant; their browser is signed in."""
    knock(world, sub, **claims)
    (number,) = [one.id for one in list_grants() if one.sub == sub]
    grant(number, now=world.services.now(), whole_platform=whole_platform)
    answer = go_through(world, knock(world, sub, **claims))
    assert (answer.status_code, answer.location) == (303, "/console/"), answer.text
    return world.browser


def csrf_token(page: TestResponse) -> str:
    """Return the token that the page's forms carry."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found, page.text
    return unescape(found.group(1))


def press(browser: FlaskClient, page: str, path: str, **fields: str) -> TestResponse:
    """Post to `path` as a form on `page` would."""
    token = csrf_token(browser.get(page))
    return browser.post(path, data={"csrf_token": token, **fields})
