"""The login half: parameters, address, state; and the LMS's error posts."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from lti_bridge.core.errors import LaunchRejected
from lti_bridge.core.signing import Signer
from lti_bridge.lti.handshake import (
    Rules,
    begin_login,
    raise_platform_error,
    read_launch_state,
    read_login,
    refuse_repeated,
)
from lti_bridge.lti.launch_state import check_age, cookie_name, read_state, same_browser, sign_state
from lti_bridge.lti.values import PlatformValues
from tests.mini_platform import captured

RULES = Rules("https://bridge.example", 600, 60, 900)
PLATFORM = PlatformValues(
    id=3,
    issuer="https://lms.example",
    client_id="client-1",
    authorization_url="https://lms.example/auth?tenant=7",
    token_url="https://lms.example/token",
    jwks_url="https://lms.example/jwks",
)
PARAMS = {
    "iss": "https://lms.example",
    "login_hint": "4",
    "target_link_uri": "https://bridge.example/lti/launch",
    "client_id": "client-1",
    "lti_message_hint": '{"cmid":2,"launchid":"a b&c"}',
    "lti_deployment_id": "1",
}


@pytest.fixture
def signer():
    return Signer("a key that only tests use")


def start(signer, clock, **changes):
    login = read_login({**PARAMS, **changes})
    return begin_login(login, PLATFORM, rung="cookie", signer=signer, now=clock(), rules=RULES)


def reason_of(action) -> str:
    with pytest.raises(LaunchRejected) as caught:
        action()
    return caught.value.reason


def test_sends_every_parameter_and_keeps_the_query(signer, clock):
    login = start(signer, clock)

    address = urlsplit(login.url)
    query = dict(parse_qsl(address.query))
    assert address[:3] == ("https", "lms.example", "/auth")
    assert read_state(signer, query.pop("state")) == login.state
    assert query == {
        "tenant": "7",
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
        "client_id": "client-1",
        "redirect_uri": "https://bridge.example/lti/launch",
        "login_hint": "4",
        "lti_message_hint": '{"cmid":2,"launchid":"a b&c"}',
        "nonce": login.state.nonce,
    }


def test_hint_is_not_invented(signer, clock):
    assert "lti_message_hint" not in start(signer, clock, lti_message_hint="").url


def test_two_logins_share_nothing(signer, clock):
    one, two = start(signer, clock), start(signer, clock)

    assert one.state.nonce != two.state.nonce
    assert cookie_name(one.state) != cookie_name(two.state)
    assert not same_browser(one.state, two.browser_secret)
    assert same_browser(one.state, one.browser_secret)


def test_state_carries_no_secret(signer, clock):
    login = start(signer, clock)

    assert login.browser_secret not in login.url
    assert login.browser_secret.partition(".")[2] not in str(login.state)


@pytest.mark.parametrize("missing", ["iss", "login_hint", "target_link_uri"])
def test_login_needs_its_parameters(missing):
    assert reason_of(lambda: read_login({**PARAMS, missing: ""})) == "login_incomplete"


@pytest.mark.parametrize("name", ["lti_deployment_id", "deployment_id"])
def test_deployment_has_two_names(name):
    params = {key: value for key, value in PARAMS.items() if key != "lti_deployment_id"}

    assert read_login({**params, name: "9"})["lti_deployment_id"] == "9"


@pytest.mark.parametrize("kind", ["resource_link", "deep_linking"])
def test_reads_logins_of_moodle(kind):
    form = captured(f"oidc_login_request_{kind}.json")["form"]

    login = read_login({key: values[0] for key, values in form.items()})

    assert login["lti_deployment_id"] == "1"
    assert login["lti_message_hint"] == form["lti_message_hint"][0]


def test_old_state_is_read_and_refused(signer, clock):
    """Who it belonged to is known all the same: the page can lead back there."""
    state = start(signer, clock).state
    now = clock.advance(601)

    found = read_state(signer, sign_state(signer, state))

    assert found == state
    assert reason_of(lambda: check_age(found, now=now, max_age_seconds=600)) == "state_expired"


@pytest.mark.parametrize(
    "token, reason", [("", "state_missing"), ("x.y.z", "state_invalid")], ids=["missing", "forged"]
)
def test_foreign_state_is_refused(signer, token, reason):
    assert reason_of(lambda: read_state(signer, token)) == reason


def test_token_for_another_purpose_is_no_state(signer):
    token = signer.sign("resume", ["anything"])

    assert reason_of(lambda: read_state(signer, token)) == "state_invalid"


@pytest.mark.parametrize(
    "error, reason",
    [
        ("login_required", "lms_login_required"),
        ("launch_no_longer_valid", "lms_launch_used"),
        ("access_denied", "lms_access_denied"),
        ("unauthorized_client", "lms_refused"),
        ("invalid_request_object", "lms_refused"),
        ("<script>", "lms_refused"),
    ],
    ids=[
        "login_required",
        "launch_no_longer_valid",
        "access_denied",
        "unauthorized_client",
        "invalid_request_object",
        "unknown error",
    ],
)
def test_error_posts_become_reasons(signer, error, reason):
    form = {"error": error, "state": "whatever"}

    assert reason_of(lambda: read_launch_state(form, signer=signer)) == reason
    assert reason_of(lambda: raise_platform_error(form)) == reason


def test_error_posts_of_moodle_are_understood(signer):
    posts = [
        entry["tool_received"]["form"]
        for entry in captured("oidc_auth_error_cases.json")
        if "error" in (entry.get("tool_received") or {}).get("form", {})
    ]

    reasons = {
        reason_of(
            lambda form=form: read_launch_state(
                {key: values[0] for key, values in form.items()}, signer=signer
            )
        )
        for form in posts
    }

    assert len(posts) >= 3
    assert reasons <= {"lms_refused", "lms_access_denied"}


@pytest.mark.parametrize(
    ("name", "longest"),
    [
        ("login_hint", 16_000),
        ("lti_message_hint", 16_000),
        ("target_link_uri", 8000),
        ("lti_storage_target", 8000),
    ],
    ids=["login_hint", "lti_message_hint", "target_link_uri", "lti_storage_target"],
)
def test_parameters_have_a_length(name, longest):
    login = read_login({**PARAMS, name: "x" * longest})

    assert len(login[name]) == longest
    too_long = {**PARAMS, name: "x" * (longest + 1)}
    assert reason_of(lambda: read_login(too_long)) == "login_incomplete"


def test_repeated_parameter_is_named():
    sent = [("iss", ["a", "a"]), ("client_id", ["1"]), ("other", ["1", "2"])]

    with pytest.raises(LaunchRejected, match="more than once: iss"):
        refuse_repeated(sent, ("iss", "client_id"), "login_incomplete")
    refuse_repeated(sent, ("client_id",), "login_incomplete")
