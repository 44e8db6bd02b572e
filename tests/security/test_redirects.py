"""No outsider can send users, or our requests, where we did not mean to send them."""

from urllib.parse import urlsplit

import pytest

from lti_bridge.core.errors import BridgeError
from lti_bridge.lms.registry import may_serve
from lti_bridge.lti.dynamic_registration import fetch_configuration, register
from lti_bridge.platforms.invites import make_invite
from tests.certification.bench import Bench
from tests.deep_linking.picking import deep_link
from tests.door import assert_refused
from tests.mini_platform import INSTRUCTOR, TEST_USER, Reply
from tests.practice_cloud import Answer
from tests.security.pages import tags_of
from tests.world import code

EVIL = {
    "another site": "https://evil.example/",
    "no scheme": "//evil.example/",
    "backslash": "/\\evil.example",
    "script": "javascript:alert(1)",
    "data": "data:text/html,<script>alert(1)</script>",
    "leading space": " https://evil.example/",
    "host as user": "http://bridge.example@evil.example/",
    "host that begins like ours": "http://bridge.example.evil.example/",
}


@pytest.mark.parametrize("evil", EVIL.values(), ids=EVIL.keys())
def test_login_leads_to_the_lms_alone(door, evil):
    world = door.visitor()
    for name in ("target_link_uri", "login_hint", "lti_message_hint", "lti_deployment_id"):
        answer = world.browser.post("/lti/login", data=world.login_form(**{name: evil}))
        assert answer.status_code == 302
        assert answer.location.startswith(f"{door.platform.url}/auth?")
    extra = {**world.login_form(), "next": evil, "redirect_uri": evil, "return_to": evil}
    answer = world.browser.post("/lti/login", data=extra)
    assert answer.location.startswith(f"{door.platform.url}/auth?")
    assert "redirect_uri=http%3A%2F%2Fbridge.example%2Flti%2Flaunch&" in answer.location


@pytest.mark.parametrize("evil", EVIL.values(), ids=EVIL.keys())
def test_launch_for_another_site_is_refused(door, evil):
    bench = Bench(door)

    bench.refused(bench.token(target_link_uri=evil), "wrong_target")


@pytest.mark.parametrize(
    "evil",
    [pytest.param(url, id=name) for name, url in EVIL.items() if not url.startswith("http")],
)
def test_way_back_is_a_web_address(door, evil):
    bench = Bench(door)

    page = bench.enter(sub="tess", roles=[TEST_USER], launch_presentation={"return_url": evil})

    links = [values.get("href") or "" for tag, values in tags_of(page) if tag == "a"]
    assert not any("evil" in link or ":" in link for link in links), links


@pytest.mark.parametrize(
    "evil", [pytest.param(url, id=name) for name, url in EVIL.items() if "http" not in url]
)
def test_answer_of_the_picker_goes_to_a_web_address(door, evil):
    answer = deep_link(door.visitor(), deep_link_return_url=evil)

    assert (answer.status_code, code(answer)) == (400, "bad_message")


@pytest.mark.parametrize(
    "evil",
    ["javascript:alert(1)", "//evil.example/", "/x", ""],
    ids=["script", "no scheme", "path", "empty"],
)
def test_player_is_a_web_address(door, evil):
    def disturb(method: str, path: str, carry_on: object) -> None:
        if path.endswith("/launchLink"):
            raise Answer("200 OK", {"launchLink": evil})

    door.cloud.disturb = disturb
    answer = Bench(door).launch(sub="alice")
    door.cloud.disturb = lambda method, path, carry_on: None

    assert (answer.status_code, code(answer)) == (502, "scorm_cloud_refused")


@pytest.mark.parametrize("evil", EVIL.values(), ids=EVIL.keys())
def test_host_header_leads_no_user_astray(door, evil):
    host = urlsplit(evil).netloc or "evil.example"
    tricks = {
        "Host": "evil.example",
        "X-Forwarded-Host": host,
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Prefix": "/evil",
        "Forwarded": f"host={host}",
        "X-Original-URL": evil.strip(),
        "Origin": "https://evil.example",
    }
    world = door.visitor()
    # A Host of their own makes another cookie jar: the cookies go by hand.
    sent = world.login()
    kept = "; ".join(f"{c.key}={c.value}" for c in world.browser._cookies.values())
    claims = door.platform.claims(door.clock(), sent["nonce"], sub="teacher", roles=[INSTRUCTOR])
    form = {"state": sent["state"], "id_token": door.platform.sign(claims)}
    headers = {**tricks, "Cookie": kept}
    client = door.app.test_client(use_cookies=False)

    begun = client.post("/lti/login", data=world.login_form(), headers=tricks)
    opened = client.post("/lti/launch", data=form, headers=headers)
    page = client.get(opened.location, headers=tricks)
    others = [client.get(f"/lti/{name}", headers=tricks) for name in ("canvas.json", "setup", "x")]

    assert begun.location.startswith(f"{door.platform.url}/auth?")
    assert opened.location.startswith("/console/link?")
    for answer in (begun, opened, page, *others):
        assert "evil" not in answer.text
        assert [value for _, value in answer.headers if "evil" in value] == []
        assert not any("Secure" in value for value in answer.headers.getlist("Set-Cookie"))


ELSEWHERE = Reply(302, headers={"Location": "/elsewhere"})


def test_bearer_follows_no_redirect(door):
    """A redirect would carry our token, or our trust, to wherever it leads."""
    lms, services = door.platform, door.world.services
    values, url = lms.values(id=77, token_url=f"{lms.url}/moved-token"), lms.url
    good = lms.values(id=78)
    for path in ("items", "items/scores", "items/results", "members", "lms", "jwks", "token"):
        for method in ("GET", "POST"):
            lms.routes[(method, f"/moved-{path}")] = ELSEWHERE
            lms.routes[(method, f"/moved-{path}/scores")] = ELSEWHERE
            lms.routes[(method, f"/moved-{path}/results")] = ELSEWHERE
    lms.routes[("GET", "/configuration")] = Reply(
        body={
            "issuer": url,
            "authorization_endpoint": f"{url}/auth",
            "token_endpoint": f"{url}/token",
            "jwks_uri": f"{url}/jwks",
            "registration_endpoint": f"{url}/moved-lms",
        }
    )
    outbound, item = services.outbound, f"{url}/moved-items"
    book, rosters = services.gradebook, services.memberships
    configuration = fetch_configuration(outbound, f"{url}/configuration", "secret", may_serve)
    calls = [
        lambda: services.tokens.get(values, ["scope"]),
        lambda: book.read_results_of(good, item, "alice", deadline_seconds=5),
        lambda: rosters.read_roster(good, f"{url}/moved-members", deadline_seconds=5),
        lambda: fetch_configuration(outbound, f"{url}/moved-lms", "secret", may_serve),
        lambda: register(outbound, configuration, {}, "secret"),
    ]
    for call in calls:
        with pytest.raises(BridgeError):
            call()
    reply = book.send_score(good, item, b"{}", deadline_seconds=5)

    assert reply.status == 302
    assert lms.requests_to("/elsewhere") == []
    bearers = [one.path for one in lms.asked if "authorization" in one.headers]
    assert set(bearers) >= {"/moved-items/scores", "/moved-items/results", "/moved-members"}


def test_registration_redirected_elsewhere_keeps_nothing(door):
    door.platform.routes[("GET", "/moved-lms")] = ELSEWHERE
    invite = make_invite("X", None, now=door.world.services.now())
    rows = door.everything()
    form = {"invite": invite, "openid_configuration": f"{door.platform.url}/moved-lms"}

    answer = door.visitor().browser.post("/lti/register", data=form)

    assert answer.status_code in (400, 502)
    assert door.everything() == rows
    assert door.platform.requests_to("/elsewhere") == []


def test_key_set_redirected_elsewhere_verifies_no_launch(door):
    port = door.platform.url.rpartition(":")[2]
    other_host = Reply(302, headers={"Location": f"http://localhost:{port}/elsewhere"})
    door.platform.routes[("GET", "/none")] = other_host
    bench = Bench(door, iss="https://silent.example")
    token = bench.token(iss="https://silent.example")

    assert_refused(door, lambda: bench.post(token), "keys_unavailable")
    assert door.platform.requests_to("/elsewhere") == []
