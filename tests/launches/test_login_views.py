"""The login's detours: what the browser is sent, what it keeps, and what is written."""

import re
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from lti_bridge.core.db import db
from lti_bridge.launches.receive_launch import SECRET_FIELD
from lti_bridge.lti.models import UsedNonce
from lti_bridge.registrations.models import Launch, ResourceLink
from lti_bridge.web.login_cookies import PROBE
from tests.html import read_page
from tests.world import World, code, count

IN_FRAME = {"Sec-Fetch-Dest": "iframe"}
STORAGE = {"lti_storage_target": "post_message_forwarding"}


@pytest.fixture
def stranger(app: Flask) -> FlaskClient:
    """A browser that keeps no cookies."""
    return app.test_client(use_cookies=False)


def login(browser: FlaskClient, world: World, **changes: str) -> TestResponse:
    """Log in from a frame, and follow the bounce as a browser does."""
    form = world.login_form(**changes)
    answer = browser.post("/lti/login", data=form, headers=IN_FRAME)
    assert answer.status_code == 307, answer.text
    return world.follow(browser.post(answer.location, data=form, headers=IN_FRAME))


def attribute(page: TestResponse, name: str) -> str:
    found = re.search(rf'data-{name}="([^"]*)"', page.text)
    assert found, page.text
    return found.group(1).replace("&amp;", "&")


def sent_to_lms(page: TestResponse) -> dict[str, str]:
    query = parse_qs(urlsplit(attribute(page, "next")).query)
    return {key: values[0] for key, values in query.items()}


def rungs() -> list[str]:
    found = list(db.session.scalars(select(Launch.cookie_rung)))
    db.session.commit()
    return found


def signed(world: World, sent: dict[str, str], **claims: Any) -> dict[str, str]:
    token = world.platform.sign(
        world.platform.claims(world.services.now(), sent["nonce"], **claims)
    )
    return {"state": sent["state"], "id_token": token}


def test_login_in_a_window_goes_on_at_once(stranger: FlaskClient, world: World) -> None:
    headers = {"Sec-Fetch-Dest": "document"}

    assert stranger.post("/lti/login", data=world.login_form()).status_code == 302
    assert stranger.post("/lti/login", data=world.login_form(), headers=headers).status_code == 302


def test_first_login_in_a_frame_bounces_once(world: World) -> None:
    form = world.login_form()
    bounced = world.browser.post("/lti/login?a=b", data=form, headers=IN_FRAME)
    then = world.browser.post(bounced.location, data=form, headers=IN_FRAME)
    again = world.browser.post("/lti/login", data=form, headers=IN_FRAME)

    assert (bounced.status_code, bounced.location) == (307, "/lti/login?a=b&lti_bridge_bounced=1")
    assert bounced.headers["Set-Cookie"].startswith(f"{PROBE}=1; ")
    assert (then.status_code, again.status_code) == (302, 302)


def test_login_by_get_keeps_its_parameters(stranger: FlaskClient, world: World) -> None:
    form = world.login_form(**STORAGE)
    bounced = stranger.get("/lti/login", query_string=form, headers=IN_FRAME)

    page = stranger.get(bounced.location, headers=IN_FRAME)

    assert sent_to_lms(page)["login_hint"] == "4"


def test_storage_keeps_the_secret(stranger: FlaskClient, world: World) -> None:
    page = login(stranger, world, **STORAGE)

    assert page.status_code == 200
    assert attribute(page, "target") == STORAGE["lti_storage_target"]
    assert attribute(page, "origin") == world.platform.url
    assert attribute(page, "value") not in attribute(page, "next")
    assert "Set-Cookie" not in page.headers
    assert f"frame-ancestors 'self' {world.platform.url}" in page.headers["Content-Security-Policy"]


def test_secret_from_the_storage_launches(stranger: FlaskClient, world: World) -> None:
    kept = login(stranger, world, **STORAGE)
    form = signed(world, sent_to_lms(kept))

    asked = stranger.post("/lti/launch", data=form)
    assert (asked.status_code, count(UsedNonce), count(ResourceLink)) == (200, 0, 0)
    assert attribute(asked, "key") == attribute(kept, "key")
    fields = read_page(asked.text, "/lti/launch").forms[0].fields
    assert {name: fields[name] for name in form} == form
    launched = stranger.post("/lti/launch", data=fields | {SECRET_FIELD: attribute(kept, "value")})

    assert launched.status_code == 303, launched.text
    assert rungs() == ["storage"]


@pytest.mark.parametrize("secret", ["", "1.guessed"], ids=["no secret", "guessed"])
def test_wrong_secret_is_refused(stranger: FlaskClient, world: World, secret: str) -> None:
    form = signed(world, sent_to_lms(login(stranger, world, **STORAGE)))

    refused = stranger.post("/lti/launch", data={**form, SECRET_FIELD: secret})

    assert (refused.status_code, code(refused)) == (403, "browser_unproven")
    assert count(UsedNonce) == 0


def test_posted_secret_replaces_no_cookie(app: Flask, world: World) -> None:
    """Only a login that chose the storage may bring its secret this way."""
    form = world.launch_form()
    (cookie,) = [c for c in world.browser._cookies.values() if c.key != PROBE]

    refused = app.test_client().post("/lti/launch", data={**form, SECRET_FIELD: cookie.value})

    assert (refused.status_code, code(refused)) == (403, "browser_unproven")


def test_interrupted_launch_goes_on_without_a_cookie(stranger: FlaskClient, world: World) -> None:
    kept = login(stranger, world, **STORAGE)
    secret = {SECRET_FIELD: attribute(kept, "value")}
    world.cloud.faults(error_status=503, error_rate=1)
    stopped = stranger.post("/lti/launch", data=signed(world, sent_to_lms(kept)) | secret)
    world.cloud.faults()

    form = read_page(stopped.text, "/lti/launch").forms[0]
    stolen = stranger.post(form.action, data=form.fields | {SECRET_FIELD: ""})
    player = stranger.post(form.action, data=form.fields)

    assert (stopped.status_code, code(stolen)) == (503, "resume_invalid")
    assert player.status_code == 303


def test_without_storage_a_window_is_offered(stranger: FlaskClient, world: World) -> None:
    page = login(stranger, world)

    form = read_page(page.text, "/lti/login").forms[0]
    assert (page.status_code, form.method, form.action) == (200, "POST", "/lti/login")
    assert 'target="_blank"' in page.text
    assert world.login_form().items() <= form.fields.items()
    assert (count(UsedNonce), count(ResourceLink)) == (0, 0)


def test_offer_of_a_window_can_be_shown_again(
    stranger: FlaskClient, world: World, clock: Any
) -> None:
    form = world.login_form(lti_message_hint="hint of alice")
    bounced = stranger.post("/lti/login", data=form, headers=IN_FRAME)
    offered = stranger.post(bounced.location, data=form, headers=IN_FRAME)

    first, again = (stranger.get(offered.location) for _ in range(2))

    assert offered.status_code == 303
    assert "alice" not in offered.location
    assert [read_page(page.text, "").forms for page in (first, again)] == [
        read_page(first.text, "").forms
    ] * 2
    assert first.headers["Cache-Control"] == "no-store"
    policy = first.headers["Content-Security-Policy"]
    assert f"frame-ancestors 'self' {world.platform.url}" in policy
    assert "To open it again, reload the page of your course." in first.text
    clock.advance(3601)
    assert code(stranger.get(offered.location)) == "page_expired"


def test_long_hints_are_offered_a_window_at_once(stranger: FlaskClient, world: World) -> None:
    page = login(stranger, world, lti_message_hint="m" * 16_000)

    form = read_page(page.text, "/lti/login").forms[0]
    assert (page.status_code, form.fields["lti_message_hint"]) == (200, "m" * 16_000)


@pytest.mark.parametrize("token", ["", "forged"], ids=["no token", "forged token"])
def test_forged_offer_of_a_window_is_refused(stranger: FlaskClient, token: str) -> None:
    page = stranger.get("/lti/login/window", query_string={"page": token})

    assert code(page) == "page_expired"


def test_silent_storage_leads_to_the_offer_of_a_window(stranger: FlaskClient, world: World) -> None:
    page = login(stranger, world, **STORAGE)

    form = read_page(stranger.get(attribute(page, "otherwise")).text, "/lti/login").forms[0]
    assert (form.action, "lti_storage_target" in form.fields) == ("/lti/login", False)


def test_window_launches_with_a_cookie(stranger: FlaskClient, world: World) -> None:
    offered = read_page(login(stranger, world).text, "/lti/login").forms[0].fields
    bounced = world.browser.post("/lti/login", data=offered)
    assert bounced.status_code == 307
    sent = world.browser.post(bounced.location, data=offered)
    query = parse_qs(urlsplit(sent.location).query)

    launched = world.browser.post(
        "/lti/launch", data=signed(world, {key: found[0] for key, found in query.items()})
    )

    assert launched.status_code == 303, launched.text
    assert rungs() == ["window"]


def test_browser_without_any_cookie_is_told_before_the_lms_is_called(
    stranger: FlaskClient, world: World
) -> None:
    offered = read_page(login(stranger, world).text, "/lti/login").forms[0].fields
    bounced = stranger.post("/lti/login", data=offered)

    last = stranger.post(bounced.location, data=offered)

    assert (last.status_code, code(last)) == (403, "no_cookies")
    assert "Allow cookies for this site" in last.text


@pytest.fixture
def two_names(app: Flask, world: World) -> World:
    """The bridge is called localhost, the LMS 127.0.0.1."""
    services = app.extensions["lti_bridge"]
    settings = replace(services.settings, public_url="http://localhost:8000")
    app.extensions["lti_bridge"] = replace(services, settings=settings)
    world.browser = app.test_client()
    return world


AT_LOCALHOST: dict[str, Any] = {"base_url": "http://localhost:8000"}


def test_two_names_of_one_machine_are_named_in_a_frame(
    stranger: FlaskClient, two_names: World
) -> None:
    form = {**two_names.login_form(), "target_link_uri": "http://localhost:8000/lti/launch"}
    for more in ({}, STORAGE):
        bounced = stranger.post("/lti/login", data=form | more, headers=IN_FRAME, **AT_LOCALHOST)
        address = urlsplit(bounced.location)
        path = f"{address.path}?{address.query}"
        page = stranger.post(path, data=form | more, headers=IN_FRAME, **AT_LOCALHOST)

        if more:  # the LMS's storage needs no cookie
            assert page.status_code == 200
        else:
            assert (page.status_code, code(page)) == (403, "two_host_names")
    assert count(UsedNonce) == 0


def test_two_names_of_one_machine_are_named_at_the_launch(
    stranger: FlaskClient, two_names: World
) -> None:
    """In a window the cookie is kept, but does not come with what the LMS posts."""
    form = {**two_names.login_form(), "target_link_uri": "http://localhost:8000/lti/launch"}
    sent = stranger.post("/lti/login", data=form, **AT_LOCALHOST)
    query = {key: found[0] for key, found in parse_qs(urlsplit(sent.location).query).items()}

    page = stranger.post("/lti/launch", data=signed(two_names, query), **AT_LOCALHOST)

    assert (page.status_code, code(page)) == (403, "two_host_names")
    assert "one host name for both" in page.text
    assert count(UsedNonce) == 0


def back_link(page: TestResponse) -> str:
    found = re.search(r'<a class="button" href="([^"]*)" target="_top">', page.text)
    assert found, page.text
    return found.group(1)


def test_reload_leads_back_to_the_course(world: World) -> None:
    form = world.launch_form()
    assert world.browser.post("/lti/launch", data=form).status_code == 303

    reloaded = world.browser.post("/lti/launch", data=form)

    assert (reloaded.status_code, code(reloaded)) == (403, "reloaded")
    assert back_link(reloaded) == f"{world.platform.url}/back"
    assert count(Launch) == 1


def test_back_button_leads_back_to_the_course(world: World) -> None:
    """The LMS asked again for a launch that it let through: it posts an error."""
    form = world.launch_form()
    world.browser.post("/lti/launch", data=form)

    error = {"state": form["state"], "error": "launch_no_longer_valid"}
    page = world.browser.post("/lti/launch", data=error)

    assert (page.status_code, code(page)) == (400, "lms_launch_used")
    assert back_link(page) == f"{world.platform.url}/back"


def test_expired_login_leads_to_the_lms(world: World, clock: Any) -> None:
    form = world.launch_form()
    clock.advance(601)

    page = world.browser.post("/lti/launch", data=form)

    assert (page.status_code, code(page)) == (400, "state_expired")
    assert back_link(page) == f"{world.platform.url}/"


def test_two_tabs_do_not_disturb_each_other(world: World) -> None:
    first, second = world.launch_form(), world.launch_form()

    answers = [world.browser.post("/lti/launch", data=form) for form in (first, second)]

    assert [answer.status_code for answer in answers] == [303, 303]


REPEATABLE = [
    "iss",
    "client_id",
    "login_hint",
    "target_link_uri",
    "lti_message_hint",
    "lti_deployment_id",
    "lti_storage_target",
    "deployment_id",
]


def several(world: World, name: str) -> MultiDict[str, str]:
    """Return a login's parameters with one of them twice, the second time equal to the first."""
    form = MultiDict(world.login_form(**STORAGE, deployment_id="1"))
    form.add(name, form[name])
    return form


@pytest.mark.parametrize("name", REPEATABLE)
def test_repeated_parameter_is_refused(world: World, name: str) -> None:
    form = several(world, name)

    posted = world.browser.post("/lti/login", data=form)
    got = world.browser.get("/lti/login", query_string=form)
    split = world.browser.post("/lti/login", data=form.to_dict(), query_string={name: form[name]})

    assert [(answer.status_code, code(answer)) for answer in (posted, got, split)] == [
        (400, "login_incomplete")
    ] * 3


def test_other_parameters_may_repeat(world: World) -> None:
    form = MultiDict([*world.login_form().items(), ("x", "1"), ("x", "2")])

    assert world.browser.post("/lti/login", data=form).status_code == 302


@pytest.mark.parametrize("name", ["state", "id_token"])
def test_repeated_answer_is_refused(world: World, name: str) -> None:
    form = MultiDict(world.launch_form())
    form.add(name, "other")

    refused = world.browser.post("/lti/launch", data=form)

    assert (refused.status_code, code(refused)) == (400, "request_unreadable")
    assert (count(UsedNonce), count(Launch)) == (0, 0)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_long_hints_go_through(world: World, method: str) -> None:
    hints = {"login_hint": "h" * 16_000, "lti_message_hint": "m" * 16_000}
    form = world.login_form(**hints)
    options: dict[str, Any] = {"query_string" if method == "GET" else "data": form}

    bounced = world.browser.open("/lti/login", method=method, headers=IN_FRAME, **options)
    again = {} if method == "GET" else options
    answer = world.browser.open(bounced.location, method=method, headers=IN_FRAME, **again)

    assert (bounced.status_code, answer.status_code) == (307, 302)
    query = parse_qs(urlsplit(answer.location).query)
    assert {name: query[name] for name in hints} == {name: [text] for name, text in hints.items()}
