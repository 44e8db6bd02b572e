"""The self-test: each line right on a good bridge, and each failure told with who can fix it."""

import dataclasses
from contextlib import nullcontext
from datetime import timedelta
from email.utils import format_datetime

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import select, update

from lti_bridge.commands import doctor as doctor_command
from lti_bridge.core.clock import say_time
from lti_bridge.core.db import db
from lti_bridge.lti.values import (
    SCOPE_LINE_ITEM,
    SCOPE_LINE_ITEM_READ,
    SCOPE_RESULT_READ,
    SCOPE_SCORE,
)
from lti_bridge.ops.reachability import is_public, may_test
from lti_bridge.ops.selftest import LMS_ADMIN, CheckLine, Mark, run_selftest
from lti_bridge.passback.pipeline.send_score import RESTS
from lti_bridge.platforms.models import Deployment, Platform, ScormAccount
from lti_bridge.registrations.models import Grade, ResourceLink
from lti_sandbox.server import serve
from tests.mini_platform import LEARNER, Reply, public_jwk, rsa_key
from tests.world import World

GRADE_SCOPES = (SCOPE_LINE_ITEM_READ, SCOPE_RESULT_READ, SCOPE_SCORE)
ENDPOINT = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
ROSTER = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
TOKEN = {"access_token": "t", "token_type": "Bearer", "expires_in": 3600, "scope": ""}


@pytest.fixture
def healthy(world: World) -> World:
    """A world whose LMS answers everything, launched once."""
    now = format_datetime(world.services.now(), usegmt=True)
    keys = {"keys": [public_jwk("key-1", rsa_key())]}
    world.platform.routes[("GET", "/jwks")] = Reply(200, keys, date=now)
    world.platform.routes[("POST", "/token")] = Reply(200, TOKEN)
    world.platform.routes[("GET", "/lineitems")] = Reply(200, [])
    endpoint = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
    services = {"scope": list(GRADE_SCOPES), "lineitems": f"{world.platform.url}/lineitems"}
    roster = {"context_memberships_url": f"{world.platform.url}/members"}
    claims = {endpoint: services, ROSTER: roster}
    world.launch(**claims)
    return world


def lines(world: World) -> dict[tuple[str, str], CheckLine]:
    return {(line.subject, line.check): line for line in run_selftest(world.services)}


def only_bad(world: World) -> dict[str, CheckLine]:
    return {
        check: line
        for (_, check), line in lines(world).items()
        if line.mark is not Mark.OK and check not in ("public address", "postbacks")
    }


def test_good_bridge_has_nothing_to_say(healthy: World) -> None:
    assert only_bad(healthy) == {}
    assert len(lines(healthy)) == 13


def test_plain_http_is_a_warning(healthy: World) -> None:
    line = lines(healthy)["bridge", "public address"]

    assert line.mark is Mark.WARN
    assert "https" in line.how


def test_narrowed_scope_is_told(healthy: World) -> None:
    """The launch in the fixture granted everything; the next one, made by hand, only scores."""
    healthy.launch(given_name=None, family_name=None, email=None)
    db.session.expire_all()  # a command has a session of its own

    told = [line for line in run_selftest(healthy.services) if line.check == "granted"]

    assert {line.mark for line in told} == {Mark.WARN}
    assert [line.found.partition(" is missing")[0] for line in told] == [
        "scope lineitem.readonly",
        "scope result.readonly",
        "scope contextmembership.readonly",
        "names and email addresses",
    ]
    assert {line.who for line in told} == {LMS_ADMIN}


def claim(world: World, *scopes: str, **more: str) -> dict[str, object]:
    """Return an AGS claim of an activity with a gradebook column."""
    return {ENDPOINT: {"scope": list(scopes), "lineitems": f"{world.platform.url}/lineitems"}}


def granted(world: World) -> list[CheckLine]:
    db.session.expire_all()
    return [line for line in run_selftest(world.services) if line.check == "granted"]


def test_withheld_score_scope_fails(healthy: World) -> None:
    healthy.launch(**claim(healthy, SCOPE_LINE_ITEM_READ, SCOPE_RESULT_READ))

    (line,) = [line for line in granted(healthy) if "score" in line.found]

    assert line.mark is Mark.FAIL
    assert "scope score is missing" in line.found


@pytest.mark.parametrize(
    "endpoint",
    [None, {}, {"scope": [], "lineitem": ""}],
    ids=["no claim", "empty claim", "no column"],
)
def test_ungraded_activity_fails_no_lms(healthy: World, endpoint) -> None:
    """It is opened after the graded one, and lacks the claim, or a column and scopes in it."""
    roster = {ROSTER: {"context_memberships_url": f"{healthy.platform.url}/members"}}
    healthy.launch(resource_link={"id": "ungraded"}, **{ENDPOINT: endpoint, **roster})

    assert [line.mark for line in granted(healthy)] == [Mark.OK]


def test_one_activity_without_the_scope_is_named(healthy: World) -> None:
    chess = {"id": "link-2", "title": "Chess"}
    healthy.launch(resource_link=chess, **claim(healthy, SCOPE_LINE_ITEM_READ))

    (line,) = [line for line in granted(healthy) if "score" in line.found]

    assert line.mark is Mark.WARN
    assert "the activity Chess" in line.found


def test_token_is_asked_for_what_is_granted(healthy: World) -> None:
    """A strict token endpoint knows `lineitem` alone, as four platforms do."""
    healthy.launch(**claim(healthy, SCOPE_LINE_ITEM, SCOPE_SCORE))

    def strict(asked):
        if SCOPE_LINE_ITEM_READ in asked.form()["scope"].split():
            return Reply(400, {"error": "invalid_scope"})
        return Reply(200, TOKEN)

    healthy.platform.routes[("POST", "/token")] = strict
    db.session.expire_all()

    told = only_bad(healthy)

    assert not {"access token", "line items"} & told.keys()
    assert "lineitem.readonly" not in told["granted"].found


def test_refused_token_is_told_in_the_words_of_the_lms(healthy: World) -> None:
    said = {"error": "invalid_client", "error_description": "JWK Error: no kid."}
    healthy.platform.routes[("POST", "/token")] = Reply(401, said)

    line = only_bad(healthy)["access token"]

    assert line.mark is Mark.FAIL
    assert "It says: JWK Error: no kid." in line.found


def test_test_message_arrives(healthy: World, app: Flask) -> None:
    bridge = serve(app)
    changed = dataclasses.replace(healthy.services.settings, public_url=bridge.url)
    services = dataclasses.replace(healthy.services, settings=changed)

    found = {line.check: line for line in run_selftest(services)}["postbacks"]
    bridge.stop()
    lost = {line.check: line for line in run_selftest(services)}["postbacks"]

    assert (found.mark, found.found) == (Mark.OK, "a test message arrived")
    assert (lost.mark, lost.found) == (Mark.FAIL, "SCORM Cloud's test message did not arrive")


def test_private_address_gets_no_test_message(healthy: World) -> None:
    account = ScormAccount(base_url="https://1.1.1.1/api/v2")
    changed = dataclasses.replace(healthy.services.settings, public_url="http://127.0.0.1:1")
    services = dataclasses.replace(healthy.services, settings=changed)

    assert not is_public("http://127.0.0.1:1")
    assert is_public(account.base_url)
    assert not may_test(services, account)


def test_wrong_keys_of_scorm_cloud(healthy: World) -> None:
    healthy.cloud.stop()

    bad = only_bad(healthy)

    assert set(bad) == {"keys"}
    assert bad["keys"].mark is Mark.FAIL


def test_lms_without_keys(healthy: World) -> None:
    healthy.platform.routes[("GET", "/jwks")] = Reply(404, b"no")

    assert "no keys there (answer 404)" in only_bad(healthy)["key set"].found


def test_moved_and_marked_key_set(healthy: World) -> None:
    """The doctor reads a key set as launches do: one redirect, and a byte order mark."""
    routes = healthy.platform.routes
    reply = routes[("GET", "/jwks")]
    marked = {"Content-Type": "application/json; charset=utf-8"}
    content = b"\xef\xbb\xbf" + reply.content()
    routes[("GET", "/moved")] = dataclasses.replace(reply, body=content, headers=marked)
    routes[("GET", "/jwks")] = Reply(303, b"", {"Location": "/moved"})

    assert only_bad(healthy) == {}


def test_keys_that_verify_no_launch(healthy: World) -> None:
    unfit = {"keys": [public_jwk("short", rsa_key("short", 1024))]}
    healthy.platform.routes[("GET", "/jwks")] = Reply(200, unfit)

    assert only_bad(healthy)["key set"].mark is Mark.FAIL


@pytest.mark.parametrize("seconds", [-90, 90], ids=["behind", "ahead"])
def test_clock_that_is_off(healthy: World, seconds: int) -> None:
    reply = healthy.platform.routes[("GET", "/jwks")]
    moment = healthy.services.now().replace(microsecond=0)
    moment = moment.fromtimestamp(moment.timestamp() + seconds, moment.tzinfo)
    date = format_datetime(moment, usegmt=True)
    healthy.platform.routes[("GET", "/jwks")] = dataclasses.replace(reply, date=date)

    line = only_bad(healthy)["clock"]

    assert line.mark is Mark.WARN
    assert f"{-seconds:+d} s" in line.found


def test_token_that_is_not_granted(healthy: World) -> None:
    healthy.platform.routes[("POST", "/token")] = Reply(400, {"error": "invalid_client"})

    bad = only_bad(healthy)

    assert set(bad) == {"access token"}
    assert (bad["access token"].mark, bad["access token"].who) == (Mark.FAIL, LMS_ADMIN)


def test_line_items_that_cannot_be_read(healthy: World) -> None:
    healthy.platform.routes[("GET", "/lineitems")] = Reply(403, b"no")

    assert only_bad(healthy)["line items"].mark is Mark.FAIL


def test_pending_deployment_is_a_warning(healthy: World) -> None:
    healthy.launch(deployment_id="2")

    line = only_bad(healthy)["deployments"]

    assert (line.mark, line.found) == (Mark.WARN, "1 active, 1 pending")


def test_no_active_deployment_fails(healthy: World) -> None:
    db.session.execute(update(Deployment).values(status="pending"))
    db.session.commit()

    assert only_bad(healthy)["deployments"].mark is Mark.FAIL


def test_no_launch_yet_is_a_warning(world: World) -> None:
    world.platform.routes[("POST", "/token")] = Reply(200, TOKEN)

    assert only_bad(world)["line items"].mark is Mark.WARN


def test_disabled_platform_is_left_out(healthy: World) -> None:
    db.session.scalars(select(Platform)).one().disabled_at = healthy.services.now()
    db.session.commit()

    assert set(only_bad(healthy)) == {"connected"}


def _doctor(monkeypatch: pytest.MonkeyPatch, world: World) -> str:
    """Return the last line of the command."""
    monkeypatch.setattr(doctor_command, "open_bridge", lambda: nullcontext(world.services))
    return CliRunner().invoke(doctor_command.doctor).output.splitlines()[-1]


def _only(monkeypatch: pytest.MonkeyPatch, *marks: Mark) -> None:
    lines = [CheckLine("bridge", "something", mark, "found") for mark in marks]
    monkeypatch.setattr(doctor_command, "run_selftest", lambda services: iter(lines))


@pytest.mark.parametrize(
    ("marks", "last"),
    [
        ((Mark.OK,), "Nothing is wrong."),
        ((Mark.OK, Mark.WARN), "1 warning: see above."),
        ((Mark.WARN, Mark.WARN, Mark.FAIL), "1 check failed, 2 warnings: see above."),
        ((Mark.FAIL, Mark.FAIL), "2 checks failed."),
    ],
    ids=["good", "warned", "failed and warned", "failed"],
)
def test_last_line_counts_warnings(
    monkeypatch: pytest.MonkeyPatch, world: World, marks: tuple[Mark, ...], last: str
) -> None:
    _only(monkeypatch, *marks)

    assert _doctor(monkeypatch, world) == last


def _platform(**values: object) -> None:
    db.session.execute(update(Platform).values(**values))
    db.session.commit()
    db.session.expire_all()


@pytest.mark.parametrize("throttled", [False, True], ids=["unavailable", "throttled"])
def test_paused_platform_is_a_warning(healthy: World, throttled: bool) -> None:
    until = healthy.services.now() + timedelta(minutes=5)
    _platform(paused_until=until, is_throttled=throttled)

    line = only_bad(healthy)["pause"]

    assert line.mark is Mark.WARN
    assert say_time(until) in line.found
    assert ("fewer requests" in line.found) is throttled


def test_resting_platform_is_a_warning(healthy: World) -> None:
    """A worker turned a grade away since the LMS failed several times."""
    until = healthy.services.now() + timedelta(seconds=30)
    healthy.launch(roles=[LEARNER])
    db.session.execute(update(Grade).values(decision_reason=RESTS, next_send_at=until))
    db.session.commit()

    found = only_bad(healthy)["pause"].found

    assert (
        found == f"The LMS did not answer several times; it is left alone until {say_time(until)}."
    )


def test_missing_line_item_scope_is_told_where_columns_are_made(healthy: World) -> None:
    _platform(creates_line_items=True)

    (line,) = granted(healthy)

    assert line.mark is Mark.WARN
    assert line.found.startswith("scope lineitem is missing")


def test_one_activity_whose_column_is_made_is_named(healthy: World) -> None:
    db.session.execute(update(ResourceLink).values(creates_line_item=True))
    db.session.commit()

    assert any("scope lineitem in the activity" in line.found for line in granted(healthy))
