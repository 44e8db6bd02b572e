"""Secrets and personal data stay out of logs and pages; cookies keep to themselves."""

import dataclasses
import logging
import re
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from lti_bridge.app import create_app
from lti_bridge.platforms.invites import make_invite
from lti_bridge.registrations.return_urls import exit_url, postback_address
from tests.certification.bench import Bench
from tests.conftest import close_app, make_settings
from tests.deep_linking.picking import deep_link, token_of
from tests.door import Door
from tests.mini_platform import Reply
from tests.practice_cloud import Answer
from tests.world import HERE, World

PERSON = {"given_name": "Xanthippe", "family_name": "Quux", "email": "xq@private.example"}


def go_through_everything(door: Door, caplog) -> dict[str, str]:
    """Do what people do, well and badly; return every secret that was about, by its name."""
    services, lms = door.world.services, door.platform
    bench = Bench(door)
    good = bench.token(sub="sub-of-xanthippe", **PERSON)
    (cookie,) = [c.value for c in bench.world.browser._cookies.values()]
    secrets = {"id_token": good, "state": bench.sent["state"], "cookie": cookie}
    secrets["nonce"] = bench.sent["nonce"]
    assert bench.post(good).status_code == 303
    bench.post(good)
    for changes in ({"exp": 5}, {"sub": None}, {"roles": None}, {"deployment_id": "unknown"}):
        Bench(door).launch(**{**PERSON, **changes})
    broken = Bench(door)

    def refuse(method: str, path: str, carry_on: object) -> None:
        raise Answer("401 Unauthorized", {"message": f"no {PERSON['given_name']} here"})

    door.cloud.disturb = refuse
    broken.launch(**PERSON, sub="sub-of-xanthippe")
    door.cloud.disturb = lambda method, path, carry_on: None
    registration = door.column("registration", "registration_id")[0]
    target = postback_address(services, registration)
    secrets["postback password"] = target.password
    client = door.visitor().browser
    for password in ("wrong-password-xyz", target.password):
        credentials = (target.user_name, password)
        body = {"registrationCompletion": "COMPLETED", "learner": PERSON}
        client.post(target.url.removeprefix(HERE), json=body, auth=credentials)
    secrets["wrong password"] = "wrong-password-xyz"
    secrets["exit token"] = exit_url(services, 1).rpartition("/")[2]
    client.get(f"/exit/{secrets['exit token']}")
    client.get(f"/exit/{secrets['exit token']}x")
    secrets["page token"] = token_of(deep_link(door.visitor()))
    client.post("/lti/pick", data={"page": secrets["page token"] + "x"})
    secrets["invite"] = make_invite("X", None, now=services.now())
    secrets["registration token"] = "registration-token-xyz"
    lms.routes[("GET", "/lms")] = Reply(500, "registration-token-xyz")
    for path in ("/lms", "/nothing", ":x"):
        form = {
            "invite": secrets["invite"],
            "openid_configuration": lms.url + path,
            "registration_token": "registration-token-xyz",
        }
        client.post("/lti/register", data=form)
    secrets["access token"] = services.tokens.get(lms.values(id=91), ["x"])
    secrets["secret key"] = services.settings.secret_key
    # "practice" names other things, too: the account's secret is looked for as it would be sent.
    secrets["account, as sent"] = "cHJhY3RpY2U6cHJhY3RpY2U"
    return secrets


def test_log_holds_no_secret_and_no_person(door, caplog):
    with caplog.at_level(logging.DEBUG, logger="lti_bridge"):
        secrets = go_through_everything(door, caplog)

    ours = [record for record in caplog.records if record.name.startswith("lti_bridge")]
    lines = [logging.Formatter("%(message)s").format(record) for record in ours]
    assert len(lines) >= 6
    for name, secret in {**secrets, **PERSON, "sub": "sub-of-xanthippe"}.items():
        assert not [line for line in lines if secret in line], f"the {name} is in the log"


def test_database_keeps_secrets_encrypted(door):
    for key in door.column("tool_key", "private_key_encrypted"):
        assert "PRIVATE" not in key
    assert "practice" not in door.column("scorm_account", "secret_encrypted")


def test_page_for_a_mistake_of_ours_tells_nothing(door, monkeypatch):
    """An exception that was not foreseen: a coded page, its details in the log alone."""

    def fail(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setitem(door.app.view_functions, "launches.end_preview", fail)

    answer = door.visitor().browser.get("/lti/preview/done")

    assert answer.status_code == 500
    assert "<code>our_mistake</code>" in answer.text
    assert "secret detail" not in answer.text
    assert "Traceback" not in answer.text


def test_page_without_a_database_asks_for_patience(door, monkeypatch):
    def fail(*_: object) -> None:
        raise OperationalError("SELECT secret", {}, Exception("connection refused by 10.0.0.7"))

    monkeypatch.setitem(door.app.view_functions, "launches.end_preview", fail)

    answer = door.visitor().browser.get("/lti/preview/done")

    assert answer.status_code == 503
    assert "<code>database_away</code>" in answer.text
    assert "secret" not in answer.text
    assert "10.0.0.7" not in answer.text


@pytest.fixture(params=["http://bridge.example", "https://bridge.example"])
def node(door: Door, tmp_path: Path, request) -> World:
    """Another node on the door's database, with this public address."""
    settings = make_settings(door.world.services.settings.database_url, tmp_path)
    app = create_app(dataclasses.replace(settings, public_url=request.param), now=door.clock)
    request.addfinalizer(lambda: close_app(app))
    services = app.extensions["lti_bridge"]
    return dataclasses.replace(door.world, browser=app.test_client(), services=services)


def register(door: Door, world: World) -> list[str]:
    """Complete a dynamic registration and return the cookies that it sets."""
    lms, name = door.platform, world.services.settings.public_url.partition(":")[0]
    says = {
        "issuer": f"{lms.url}/{name}",
        "authorization_endpoint": f"{lms.url}/auth",
        "token_endpoint": f"{lms.url}/token-{name}",
        "jwks_uri": f"{lms.url}/jwks",
        "registration_endpoint": f"{lms.url}/register",
    }
    lms.routes[("GET", "/lms")] = Reply(body=says)
    lms.routes[("POST", "/register")] = Reply(body={"client_id": "made"})
    invite = make_invite("X", None, now=door.clock())
    form = {"invite": invite, "openid_configuration": f"{lms.url}/lms"}
    answer = world.browser.post("/lti/register", data=form)
    assert answer.status_code == 200, answer.text
    return answer.headers.getlist("Set-Cookie")


def test_cookies_keep_to_themselves(door, node):
    """Scripts cannot read them; over https they work in a frame of that site alone."""
    secure = node.services.settings.public_url.startswith("https")
    begun = node.browser.post("/lti/login", data=node.login_form())
    set_cookies = begun.headers.getlist("Set-Cookie") + register(door, node)

    assert len(set_cookies) == 2
    for cookie in set_cookies:
        flags = set(re.split(r"; ", cookie.partition(";")[2].strip()))
        assert "HttpOnly" in flags
        assert not any(flag.startswith("Domain") for flag in flags)
        assert any(re.fullmatch(r"Max-Age=\d{3,4}", flag) for flag in flags)
        if secure:
            assert {"Secure", "SameSite=None", "Partitioned"} <= flags
        else:
            assert "SameSite=Lax" in flags
            assert "Secure" not in flags


def test_answers_are_not_kept(door):
    """No cache keeps a page or a redirect that belongs to one person."""
    world = door.visitor()
    begun = world.browser.post("/lti/login", data=world.login_form())
    answers = [begun, Bench(door).launch(), deep_link(door.visitor()), world.browser.get("/x")]
    answers.append(world.browser.get(f"/exit/{exit_url(world.services, 1).rpartition('/')[2]}"))

    for answer in answers:
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_no_answer_is_guessed_to_be_a_page(door):
    for path in ("/lti/jwks.json", "/lti/canvas.json", "/healthz", "/readyz", "/exit/x/status"):
        answer = door.visitor().browser.get(path)
        assert answer.headers["X-Content-Type-Options"] == "nosniff", path
