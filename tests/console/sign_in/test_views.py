"""Into the console: one-time links, passwords, waits after failures, sessions that end."""

import re
from typing import Any
from urllib.parse import unquote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from lti_bridge.audit.models import AuditEntry
from lti_bridge.console.people.accounts import (
    FIRST,
    OWNER,
    PASSWORD,
    get_account,
    list_people,
    make_invite,
)
from lti_bridge.core.db import db
from lti_bridge.people.models import ConsoleAccount, ConsoleSession
from tests.conftest import FakeClock
from tests.console.visitors import PASSWORD as RIGHT
from tests.console.visitors import csrf_token, press, sign_in_owner
from tests.world import count

ANOTHER = "four entirely random words"


@pytest.fixture
def browser(app: Flask, services: Any) -> FlaskClient:
    return app.test_client()


def sign_in(
    browser: FlaskClient, password: str = RIGHT, name: str = "olga", **more: Any
) -> TestResponse:
    page = browser.get("/console/sign-in")
    form = {"csrf_token": csrf_token(page), "name": name, "password": password}
    return browser.post("/console/sign-in", data=form | more)


def welcome(browser: FlaskClient, token: str, **changes: str) -> TestResponse:
    page = browser.get("/console/welcome", query_string={"invite": token})
    form = {"invite": token, "name": "olga", "password": RIGHT, "again": RIGHT}
    return browser.post(
        "/console/welcome", data={**form, "csrf_token": csrf_token(page), **changes}
    )


def is_in(browser: FlaskClient) -> bool:
    return browser.get("/console/people").status_code == 200


def test_first_link_makes_the_first_owner(browser: FlaskClient, services: Any) -> None:
    sign_in_owner(browser, services)

    assert is_in(browser)
    assert [one.name for one in list_people()] == ["olga"]
    assert db.session.scalars(select(AuditEntry.action)).all() == ["join"]


def test_links_work_once(app: Flask, browser: FlaskClient, services: Any) -> None:
    token = make_invite(FIRST, now=services.now())
    other = make_invite(FIRST, now=services.now())
    welcome(browser, token)

    again = app.test_client().get("/console/welcome", query_string={"invite": token})
    beside = app.test_client().get("/console/welcome", query_string={"invite": other})

    assert (again.status_code, beside.status_code) == (410, 410)
    assert "this link was used already" in again.text


def test_link_grows_old(browser: FlaskClient, services: Any, clock: FakeClock) -> None:
    token = make_invite(OWNER, now=services.now())
    clock.advance(24 * 3600)

    page = browser.get("/console/welcome", query_string={"invite": token})

    assert (page.status_code, "older than a day" in page.text) == (410, True)


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"password": "short", "again": "short"}, "at least 12 characters"),
        ({"password": "aaaaaaaaaaaaaaa", "again": "aaaaaaaaaaaaaaa"}, "too easy to guess"),
        ({"password": "olga olga olga", "again": "olga olga olga"}, "too easy to guess"),
        ({"again": "something else"}, "the two passwords differ"),
        ({"name": "o"}, "2 to 100 letters"),
        ({"name": "olga smith"}, "2 to 100 letters"),
        ({"password": "x" * 201, "again": "x" * 201}, "at most 200"),
    ],
    ids=[
        "short password",
        "one letter repeated",
        "name repeated as password",
        "passwords differ",
        "short name",
        "space in the name",
        "long password",
    ],
)
def test_account_that_will_not_do_is_explained(
    browser: FlaskClient, services: Any, changes: dict[str, str], said: str
) -> None:
    page = welcome(browser, make_invite(FIRST, now=services.now()), **changes)

    assert page.status_code == 400
    assert said in page.text.replace("The two", "the two")
    assert count(ConsoleAccount) == 0


def test_name_is_taken_once(app: Flask, browser: FlaskClient, services: Any) -> None:
    sign_in_owner(browser, services)
    token = make_invite(OWNER, now=services.now())

    page = welcome(app.test_client(), token, name="OLGA")

    assert "There is an account olga already" in page.text
    assert welcome(app.test_client(), token, name="otto").status_code == 303


def test_password_opens_the_console(app: Flask, browser: FlaskClient, services: Any) -> None:
    sign_in_owner(app.test_client(), services)

    wrong, right = sign_in(browser, "wrong horse battery"), sign_in(browser, name=" Olga ")

    assert (wrong.status_code, "The name or the password is wrong" in wrong.text) == (403, True)
    assert (right.status_code, right.location, is_in(browser)) == (303, "/console/", True)


def test_unknown_name_is_told_the_same(app: Flask, browser: FlaskClient, services: Any) -> None:
    sign_in_owner(app.test_client(), services)

    known, unknown = sign_in(browser, "x"), sign_in(browser, "x", name="nobody")

    assert known.status_code == unknown.status_code
    said = [re.findall(r'role="alert">([^<]*)', page.text) for page in (known, unknown)]
    assert said[0] == said[1] != []


def test_many_failures_cost_time(
    app: Flask, browser: FlaskClient, services: Any, clock: FakeClock
) -> None:
    sign_in_owner(app.test_client(), services)
    answers = [sign_in(browser, "wrong").status_code for _ in range(6)]

    waiting = sign_in(browser)
    clock.advance(1.1)

    assert (answers, waiting.status_code) == ([403] * 5 + [429], 429)
    assert "Too many tries: wait 1 second." in waiting.text
    assert sign_in(browser).status_code == 303


def test_failures_elsewhere_keep_no_user_out(
    app: Flask, browser: FlaskClient, services: Any
) -> None:
    sign_in_owner(app.test_client(), services)
    elsewhere = {"environ_base": {"REMOTE_ADDR": "203.0.113.9"}}
    for _ in range(8):
        client = app.test_client()
        page = client.get("/console/sign-in")
        form = {"csrf_token": csrf_token(page), "name": "olga", "password": "wrong"}
        client.post("/console/sign-in", data=form, **elsewhere)

    assert sign_in(browser).status_code == 303


def test_success_forgets_failures(app: Flask, browser: FlaskClient, services: Any) -> None:
    sign_in_owner(app.test_client(), services)
    for _ in range(4):
        sign_in(browser, "wrong")
    sign_in(browser)

    assert [sign_in(browser, "wrong").status_code for _ in range(5)] == [403] * 5


def test_session_ends_by_itself(browser: FlaskClient, services: Any, clock: FakeClock) -> None:
    sign_in_owner(browser, services)
    idle = services.settings.console.idle_minutes * 60

    clock.advance(idle - 1)
    awake = is_in(browser)
    clock.advance(idle - 1)
    still = is_in(browser)
    clock.advance(idle + 1)

    assert (awake, still, is_in(browser)) == (True, True, False)


def test_session_ends_at_last(browser: FlaskClient, services: Any, clock: FakeClock) -> None:
    sign_in_owner(browser, services)
    for _ in range(12):
        assert is_in(browser)
        clock.advance(3600)

    assert not is_in(browser)


def test_signing_out_ends_the_session_itself(
    app: Flask, browser: FlaskClient, services: Any
) -> None:
    sign_in_owner(browser, services)
    stolen = browser.get_cookie("lti_bridge_console", path="/console")
    assert stolen is not None

    press(browser, "/console/people", "/console/sign-out")
    thief = app.test_client()
    thief.set_cookie("lti_bridge_console", stolen.value, path="/console")

    assert not is_in(browser)
    assert not is_in(thief)
    assert count(ConsoleSession) == 0


def test_cookie_is_kept_from_scripts_and_other_sites(browser: FlaskClient, services: Any) -> None:
    answer = welcome(browser, make_invite(FIRST, now=services.now()))

    (cookie,) = answer.headers.getlist("Set-Cookie")
    assert {"HttpOnly", "Path=/console", "SameSite=Lax"} <= set(cookie.split("; "))


def test_changed_password_signs_out_elsewhere(
    app: Flask, browser: FlaskClient, services: Any
) -> None:
    sign_in_owner(browser, services)
    elsewhere = app.test_client()
    sign_in(elsewhere)

    form = {"old": RIGHT, "password": ANOTHER, "again": ANOTHER}
    wrong = press(browser, "/console/password", "/console/password", **form | {"old": "x"})
    press(browser, "/console/password", "/console/password", **form)

    assert "The old password is wrong" in wrong.text
    assert (is_in(browser), is_in(elsewhere)) == (True, False)
    assert sign_in(elsewhere).status_code == 403
    assert sign_in(elsewhere, ANOTHER).status_code == 303


def test_link_for_a_new_password(app: Flask, browser: FlaskClient, services: Any) -> None:
    sign_in_owner(browser, services)
    token = make_invite(PASSWORD, now=services.now(), account=get_account("olga"))

    answer = welcome(app.test_client(), token, password=ANOTHER, again=ANOTHER)

    assert answer.status_code == 303
    assert not is_in(browser)
    assert sign_in(browser, ANOTHER).status_code == 303


def test_owner_invites_another(app: Flask, browser: FlaskClient, services: Any) -> None:
    sign_in_owner(browser, services)

    page = press(browser, "/console/people", "/console/people/invite")
    found = re.search(r"http://bridge.example/console/welcome\?invite=([\w%-]+)", page.text)

    assert found
    assert welcome(app.test_client(), unquote(found[1]), name="otto").status_code == 303


def test_disabled_account_is_out_at_once(app: Flask, browser: FlaskClient, services: Any) -> None:
    sign_in_owner(browser, services)
    otto = sign_in_owner(app.test_client(), services, "otto")
    number = get_account("otto").id
    db.session.commit()

    press(browser, "/console/people", f"/console/people/{number}/disable")
    out, refused = is_in(otto), sign_in(otto, name="otto")
    press(browser, "/console/people", f"/console/people/{number}/enable")

    assert (out, refused.status_code) == (False, 403)
    assert sign_in(otto, name="otto").status_code == 303


def test_last_account_stays(browser: FlaskClient, services: Any) -> None:
    sign_in_owner(browser, services)
    number = get_account("olga").id
    db.session.commit()

    answer = press(browser, "/console/people", f"/console/people/{number}/disable")

    assert (answer.status_code, "the last account" in answer.text) == (400, True)
    assert is_in(browser)


def test_sign_in_leads_where_one_wanted_to_go(
    app: Flask, browser: FlaskClient, services: Any
) -> None:
    sign_in_owner(app.test_client(), services)
    place = browser.get("/console/audit?subject=x").location

    page = browser.get(place)
    (wanted,) = re.findall(r'name="next" type="hidden" value="([^"]*)"', page.text)

    assert sign_in(browser, next=wanted).location == "/console/audit?subject=x"


@pytest.mark.parametrize(
    "place",
    [
        "https://evil.example/",
        "//evil.example",
        "/lti/login",
        "/console//evil",
        "/console/\\x",
        "x",
    ],
    ids=[
        "another site",
        "no scheme",
        "outside the console",
        "double slash",
        "backslash",
        "no path",
    ],
)
def test_sign_in_leads_nowhere_else(
    app: Flask, browser: FlaskClient, services: Any, place: str
) -> None:
    sign_in_owner(app.test_client(), services)

    assert sign_in(browser, next=place).location == "/console/"


def test_form_of_another_browser_is_refused(
    app: Flask, browser: FlaskClient, services: Any
) -> None:
    sign_in_owner(browser, services)
    stranger = csrf_token(app.test_client().get("/console/sign-in"))

    answer = browser.post("/console/sign-out", data={"csrf_token": stranger})

    assert (answer.status_code, "This form is too old" in answer.text) == (403, True)
    assert is_in(browser)


def test_passwords_stand_nowhere(browser: FlaskClient, services: Any) -> None:
    sign_in_owner(browser, services)

    kept = db.session.scalars(select(ConsoleAccount.password_hash)).one()

    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert RIGHT not in str([tuple(row) for row in db.session.execute(select(AuditEntry))])
