"""Dynamic registration over HTTP: invite, configuration, the LMS's answer, and what is kept."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, func, select
from werkzeug.test import TestResponse

from lti_bridge.audit.models import AuditEntry
from lti_bridge.audit.wiring import REGISTRANT
from lti_bridge.core.db import db
from lti_bridge.core.errors import Refused
from lti_bridge.lms.registry import may_serve
from lti_bridge.lti.dynamic_registration import belongs_to, check_configuration
from lti_bridge.platforms.connect_cookie import COOKIE, PURPOSE
from lti_bridge.platforms.invites import make_invite, read_invite, take_invite, use_invite
from lti_bridge.platforms.models import Deployment, Invite, Platform
from lti_bridge.platforms.registry import list_platforms
from lti_bridge.services import Services
from lti_sandbox.practice_lms import create_practice_lms
from lti_sandbox.server import RunningServer, serve
from tests.conftest import FakeClock
from tests.html import read_page
from tests.mini_platform import LEARNER, MiniPlatform, Reply
from tests.world import World, code

PATHS = {
    "moodle": "/mod/lti/openid-configuration.php",
    "canvas": "/api/lti/security/openid-configuration",
}


class Site:
    """A practice LMS that an admin connects."""

    def __init__(self, dialect: str) -> None:
        self.dialect = dialect
        self.app = create_practice_lms(dialect=dialect)
        self.state = self.app.extensions["practice_lms"]
        self.server: RunningServer = serve(self.app)

    def query(self, invite: str) -> dict[str, str]:
        token = self.app.test_client().get("/control/registration-token").json["token"]
        configuration = self.server.url + PATHS[self.dialect]
        return {
            "invite": invite,
            "openid_configuration": configuration,
            "registration_token": token,
        }


@pytest.fixture(params=["moodle", "canvas"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    site = Site(request.param)
    yield site
    site.server.stop()


@pytest.fixture
def web(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def invite(services: Services) -> str:
    return make_invite("Our LMS", None, now=services.now())


def connect(web: FlaskClient, query: dict[str, str]) -> TestResponse:
    """Open the page in the LMS's frame and press its button."""
    page = web.get("/lti/register", query_string=query)
    assert page.status_code == 200, page.text
    form = read_page(page.text, "/lti/register").forms[0]
    return web.post(form.action, data=form.fields)


def count(model: type) -> int:
    found = db.session.scalar(select(func.count()).select_from(model)) or 0
    db.session.commit()
    return found


def heading(page: TestResponse) -> str:
    return page.text.partition("<h1>")[2].partition("</h1>")[0]


def test_connects_an_lms(web: FlaskClient, site: Site, invite: str) -> None:
    done = connect(web, site.query(invite))

    assert done.status_code == 200, done.text
    assert "org.imsglobal.lti.close" in done.text
    (row,) = list_platforms()
    tool = site.state.tools[row.client_id]
    assert (row.name, row.dialect, row.issuer) == ("Our LMS", site.dialect, site.server.url)
    assert tool.redirect_uris == ["http://bridge.example/lti/launch"]
    assert len(tool.scopes) == 4
    deployments = [d.deployment_id for d in row.deployments]
    assert deployments == ([tool.deployment_id] if site.dialect == "moodle" else [])
    db.session.commit()


def test_audit_log_tells_of_a_connection(
    web: FlaskClient, site: Site, invite: str, services: Services
) -> None:
    connect(web, site.query(invite))
    web.post("/lti/register", data=site.query(invite))  # it is used: nothing is connected
    (row,) = list_platforms()
    again = make_invite(row.name, row, now=services.now())

    connect(web, site.query(again))

    entries = list(db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)))
    assert [(one.action, one.actor) for one in entries] == [("connect", REGISTRANT)] * 2
    assert [one.text for one in entries] == ["connected Our LMS", "connected Our LMS anew"]
    assert {one.platform_id for one in entries} <= {one.id for one in list_platforms()}
    db.session.commit()


def test_looking_uses_nothing_up(web: FlaskClient, site: Site, invite: str) -> None:
    query = site.query(invite)

    for _ in range(3):
        web.get("/lti/register", query_string=query)

    assert count(Platform) == 0
    assert connect(web, query).status_code == 200


def test_invite_works_once(web: FlaskClient, site: Site, invite: str) -> None:
    connect(web, site.query(invite))

    again = web.post("/lti/register", data=site.query(invite))

    assert (again.status_code, heading(again)) == (403, "This invite was used already")
    assert count(Platform) == 1


def test_two_at_once_make_one_platform(app: Flask, site: Site, invite: str) -> None:
    queries = [site.query(invite) for _ in range(2)]

    def post(query: dict[str, str]) -> int:
        return app.test_client().post("/lti/register", data=query).status_code

    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(post, queries))

    assert statuses in ([200, 403], [200, 409])  # it was used, or it was being used
    assert len(site.state.tools) == count(Platform) == 1


@pytest.mark.parametrize("token", ["", "made-up"], ids=["no invite", "made up"])
def test_no_invite_no_registration(web: FlaskClient, site: Site, token: str) -> None:
    query = site.query(token)

    looked, posted = (
        web.get("/lti/register", query_string=query),
        web.post("/lti/register", data=query),
    )

    assert (looked.status_code, posted.status_code) == (403, 403)
    assert site.state.tools == {}


def test_invite_expires(web: FlaskClient, site: Site, invite: str, clock: FakeClock) -> None:
    clock.advance(8 * 86400)

    assert web.post("/lti/register", data=site.query(invite)).status_code == 403


def test_only_its_hash_is_stored(services: Services, invite: str) -> None:
    row = db.session.scalars(select(Invite)).one()

    assert invite not in (row.token_hash, row.name)
    db.session.commit()


def test_refusal_of_the_lms_gives_the_invite_back(
    web: FlaskClient, site: Site, invite: str
) -> None:
    query = site.query(invite)
    connect(web, query | {"invite": invite})
    web.post("/lti/register", data=query)
    other = make_invite("Second", None, now=web.application.extensions["lti_bridge"].now())

    refused = web.post("/lti/register", data=query | {"invite": other})
    good = connect(web, site.query(other))

    assert (refused.status_code, heading(refused)) == (502, "The LMS refused the registration")
    assert "token_already_used" in refused.text
    assert good.status_code == 200


def test_address_by_hand_is_explained(web: FlaskClient, invite: str) -> None:
    page = web.get("/lti/register", query_string={"invite": invite})

    assert (page.status_code, heading(page)) == (400, "This address belongs into your LMS")


def test_lms_that_does_not_answer(web: FlaskClient, site: Site, invite: str) -> None:
    query = site.query(invite)
    site.server.stop()

    page = web.post("/lti/register", data=query)

    assert (page.status_code, heading(page)) == (503, "The LMS does not answer the bridge")


GOOD: dict[str, Any] = {
    "issuer": "https://lms.example",
    "authorization_endpoint": "https://lms.example/auth",
    "token_endpoint": "https://lms.example/token",
    "jwks_uri": "https://lms.example/jwks",
    "registration_endpoint": "https://lms.example/register",
}


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"token_endpoint": "https://evil.example/token"}, "foreign_host"),
        ({"jwks_uri": "https://lms.example.evil.example/jwks"}, "foreign_host"),
        ({"registration_endpoint": "http://lms.example/register"}, "foreign_host"),
        ({"issuer": "https://evil.example"}, "foreign_host"),
        ({"jwks_uri": None}, "bad_configuration"),
        ({"token_endpoint": "javascript:alert(1)"}, "bad_configuration"),
        ({"issuer": ["https://lms.example"]}, "bad_configuration"),
        ({"token_endpoint": "https://lms.example/" + "x" * 600}, "bad_configuration"),
    ],
    ids=[
        "token address elsewhere",
        "key set elsewhere",
        "registration without TLS",
        "issuer elsewhere",
        "no key set",
        "script as token address",
        "list as issuer",
        "long token address",
    ],
)
def test_configuration_that_does_not_fit(change: dict[str, Any], wrong: str) -> None:
    with pytest.raises(Refused) as refused:
        check_configuration({**GOOD, **change}, "https://lms.example/configuration", may_serve)

    assert refused.value.code == wrong


def test_configuration_from_another_host_is_refused() -> None:
    with pytest.raises(Refused):
        check_configuration(GOOD, "https://elsewhere.example/configuration", may_serve)


@pytest.mark.parametrize(
    ("address", "issuer", "fits"),
    [
        ("https://sso.canvaslms.com/token", "https://canvas.instructure.com", True),
        ("https://sso.beta.canvaslms.com/x", "https://canvas.beta.instructure.com", True),
        ("https://school.instructure.com/x", "https://canvas.instructure.com", True),
        ("https://sso.canvaslms.com/token", "https://lms.example", False),
        ("https://sso.canvaslms.com.evil.example/x", "https://canvas.instructure.com", False),
        ("https://lms.example:8443/token", "https://lms.example", True),
    ],
    ids=[
        "canvas sign-on",
        "canvas beta sign-on",
        "school of canvas",
        "canvas sign-on for another",
        "host that begins like canvas",
        "another port",
    ],
)
def test_hosts_that_belong_together(address: str, issuer: str, fits: bool) -> None:
    assert belongs_to(address, issuer, may_serve) is fits


def test_existing_platform_needs_its_own_invite(world: World) -> None:
    """The mini platform hands out a client id that a platform of ours has already."""
    lms: MiniPlatform = world.platform
    base = {
        "issuer": lms.url,
        "authorization_endpoint": f"{lms.url}/auth",
        "token_endpoint": f"{lms.url}/token",
        "jwks_uri": f"{lms.url}/jwks",
        "registration_endpoint": f"{lms.url}/register",
    }
    lms.routes[("GET", "/configuration")] = Reply(200, base)
    lms.routes[("POST", "/register")] = Reply(200, {"client_id": "client-1"})
    row = db.session.scalars(select(Platform)).one()
    now = world.services.now()
    anybodys, its_own = make_invite("X", None, now=now), make_invite("Renamed", row, now=now)

    def post(invite: str) -> TestResponse:
        form = {"invite": invite, "openid_configuration": f"{lms.url}/configuration"}
        return world.browser.post("/lti/register", data=form)

    refused, taken = post(anybodys), post(its_own)

    assert (refused.status_code, heading(refused)) == (409, "This LMS is connected already")
    assert taken.status_code == 200
    assert db.session.scalars(select(Platform.name)).all() == ["Renamed"]
    db.session.commit()


@pytest.mark.parametrize("client_id", ["a\0b", "a\ud800"], ids=["zero byte", "half a character"])
def test_answer_that_no_database_holds_is_refused(world: World, client_id: str) -> None:
    lms: MiniPlatform = world.platform
    base = {
        "issuer": lms.url,
        "authorization_endpoint": f"{lms.url}/auth",
        "token_endpoint": f"{lms.url}/token",
        "jwks_uri": f"{lms.url}/jwks",
        "registration_endpoint": f"{lms.url}/register",
    }
    lms.routes[("GET", "/configuration")] = Reply(200, base)
    lms.routes[("POST", "/register")] = Reply(200, {"client_id": client_id})
    invite = make_invite("X", None, now=world.services.now())
    form = {"invite": invite, "openid_configuration": f"{lms.url}/configuration"}

    refused = world.browser.post("/lti/register", data=form)

    assert (refused.status_code, count(Platform)) == (400, 1)
    lms.routes[("POST", "/register")] = Reply(200, {"client_id": "client-2"})
    assert world.browser.post("/lti/register", data=form).status_code == 200


def test_connecting_browser_brings_its_first_deployment(world: World) -> None:
    """Canvas names no deployment at registration: the same browser's first launch activates it."""
    db.session.execute(delete(Deployment))
    db.session.commit()
    stranger = world.launch(deployment_id="new", roles=[LEARNER])
    platform_id = db.session.scalars(select(Platform.id)).one()
    db.session.commit()
    world.browser.set_cookie(COOKIE, world.services.signer.sign(PURPOSE, platform_id), path="/lti")
    known = world.launch(deployment_id="new", roles=[LEARNER])

    assert code(stranger) == "unknown_deployment"
    assert known.status_code == 303
    statuses = {d.deployment_id: d.status for d in db.session.scalars(select(Deployment))}
    db.session.commit()
    assert statuses == {"new": "active"}


def test_second_deployment_waits_for_approval(world: World) -> None:
    """The browser connects one installation; its later user brings no other."""
    platform_id = db.session.scalars(select(Platform.id)).one()
    db.session.commit()
    world.browser.set_cookie(COOKIE, world.services.signer.sign(PURPOSE, platform_id), path="/lti")

    assert code(world.launch(deployment_id="new")) == "unknown_deployment"


def test_killed_registration_gives_the_invite_back(
    web: FlaskClient, site: Site, invite: str, services: Services, clock: FakeClock
) -> None:
    """A process that dies between the LMS's answer and our rows leaves a claim that ends."""
    take_invite(read_invite(invite, now=services.now()), now=services.now())

    busy = web.post("/lti/register", data=site.query(invite))
    clock.advance(61)
    done = connect(web, site.query(invite))

    assert (busy.status_code, heading(busy)) == (409, "Somebody is using this invite right now")
    assert done.status_code == 200


def test_late_claim_keeps_nothing(services: Services, invite: str, clock: FakeClock) -> None:
    found = read_invite(invite, now=services.now())
    late = take_invite(found, now=services.now())
    clock.advance(61)
    take_invite(found, now=services.now())

    with pytest.raises(Refused) as refused:
        use_invite(late, now=services.now())

    assert refused.value.code == "busy_invite"
    db.session.rollback()


def test_invite_knows_the_dialect_better(web: FlaskClient, services: Services, site: Site) -> None:
    """An LMS that is built on another one says what that one would say."""
    invite = make_invite("Ours", None, now=services.now(), dialect="generic")

    connect(web, site.query(invite))

    assert [row.dialect for row in list_platforms()] == ["generic"]
    db.session.commit()


def test_another_platforms_cookie_brings_nothing(world: World) -> None:
    world.browser.set_cookie(COOKIE, world.services.signer.sign(PURPOSE, 999), path="/lti")

    assert code(world.launch(deployment_id="new")) == "unknown_deployment"


def test_canvas_makes_a_key_from_our_json(web: FlaskClient) -> None:
    found = web.get("/lti/canvas.json")

    body = found.json
    assert found.headers["Cache-Control"] == "public, max-age=300"
    assert body["oidc_initiation_url"] == "http://bridge.example/lti/login"
    assert body["extensions"][0]["domain"] == "bridge.example"
    placements = body["extensions"][0]["settings"]["placements"]
    assert {p["placement"] for p in placements} == {"assignment_selection", "link_selection"}


def test_setup_page_has_every_value(web: FlaskClient) -> None:
    page = web.get("/lti/setup").text

    for path in ("login", "launch", "jwks.json", "canvas.json"):
        assert f"http://bridge.example/lti/{path}" in page
