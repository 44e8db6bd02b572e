"""What every answer of an LMS may carry, for any reader."""

import json
from typing import Any

import pytest
import requests

from lti_bridge.core.errors import Unavailable
from lti_bridge.core.http.session import Outbound
from lti_bridge.lms.registry import may_serve
from lti_bridge.lti.dynamic_registration import fetch_configuration, register
from lti_bridge.lti.gradebook import Gradebook
from lti_bridge.lti.keysets import KeySets
from lti_bridge.lti.memberships import Memberships
from lti_bridge.lti.replies import read_redirect
from lti_bridge.lti.tokens import AccessTokens
from lti_bridge.lti.values import SCOPE_SCORE, SigningKey
from tests.conftest import FakeClock
from tests.mini_platform import MiniPlatform, Reply, rsa_key

MARKED = "application/json; charset=utf-8"


class Reader:
    """Reads each kind of JSON that an LMS sends, as the rest of the bridge does."""

    def __init__(self, platform: MiniPlatform, outbound: Outbound, clock: FakeClock) -> None:
        self.platform, self.outbound, self.clock = platform, outbound, clock
        self.tokens = AccessTokens(outbound, clock, lambda: SigningKey("k", rsa_key("tool")))
        self.gradebook = Gradebook(outbound, self.tokens)
        self.values = platform.values()

    def token(self) -> object:
        return self.tokens.get(self.values, [SCOPE_SCORE])

    def key_set(self) -> object:
        keysets = KeySets(self.outbound, self.clock)
        return keysets.find_key(self.values.jwks_url, "key-1") is not None

    def result(self) -> object:
        found = self.gradebook.read_results_of(self.values, f"{self.platform.url}/1", "7", 5)
        return found and found[0].score

    def results(self) -> object:
        return list(self.gradebook.read_results(self.values, f"{self.platform.url}/1", 5))

    def line_items(self) -> object:
        url = f"{self.platform.url}/items"
        return self.gradebook.find_line_items(self.values, url, "2", 5)

    def roster(self) -> object:
        memberships = Memberships(self.outbound, self.tokens)
        url = f"{self.platform.url}/roster"
        members = memberships.read_roster(self.values, url, deadline_seconds=5)
        return [member.sub for member in members]

    def configuration(self) -> object:
        url = f"{self.platform.url}/openid"
        return fetch_configuration(self.outbound, url, "", may_serve).issuer == self.platform.url

    def registration(self) -> object:
        found = fetch_configuration(self.outbound, f"{self.platform.url}/openid", "", may_serve)
        return register(self.outbound, found, {}, "").client_id


@pytest.fixture
def reader(platform: MiniPlatform, outbound: Outbound, clock: FakeClock) -> Reader:
    """A platform each of whose answers begins with a byte order mark, and a reader of them."""
    url, routes = platform.url, platform.routes
    openid = {
        "issuer": url,
        "authorization_endpoint": f"{url}/auth",
        "token_endpoint": f"{url}/token",
        "jwks_uri": f"{url}/jwks",
        "registration_endpoint": f"{url}/register",
    }
    bodies: dict[tuple[str, str], Any] = {
        ("POST", "/token"): {"access_token": "t", "expires_in": 3600},
        ("GET", "/jwks"): {"keys": platform.keys},
        ("GET", "/1/results"): [{"userId": "7", "resultScore": 5, "resultMaximum": 10}],
        ("GET", "/items"): [{"id": f"{url}/1", "resourceLinkId": "2"}],
        ("GET", "/roster"): {"members": [{"user_id": "7", "roles": []}]},
        ("GET", "/openid"): openid,
        ("POST", "/register"): {"client_id": "c"},
    }
    for route, body in bodies.items():
        content = json.dumps(body).encode("utf-8-sig")
        routes[route] = Reply(200, content, {"Content-Type": MARKED})
    return Reader(platform, outbound, clock)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("token", "t"),
        ("key_set", True),
        ("result", 5.0),
        ("results", ["7"]),
        ("line_items", None),
        ("roster", ["7"]),
        ("configuration", True),
        ("registration", "c"),
    ],
    ids=[
        "token",
        "key_set",
        "result",
        "results",
        "line_items",
        "roster",
        "configuration",
        "registration",
    ],
)
def test_byte_order_mark_is_read(reader: Reader, kind: str, expected: object) -> None:
    if kind == "line_items":
        expected = [f"{reader.platform.url}/1"]

    assert getattr(reader, kind)() == expected


@pytest.mark.parametrize("kind", ["result", "results", "line_items", "roster", "key_set"])
def test_endless_nesting_is_no_answer(reader: Reader, kind: str) -> None:
    for route in reader.platform.routes:
        if route[0] == "GET":
            reader.platform.routes[route] = Reply(200, b"[" * 50_000)

    with pytest.raises(Unavailable):
        getattr(reader, kind)()


@pytest.mark.parametrize(
    ("url", "location", "target"),
    [
        ("https://a.example/keys", "/new?x=1#top", "https://a.example/new?x=1"),
        ("https://a.example/mod/keys", "new", "https://a.example/mod/new"),
        ("https://a.example/keys", "https://A.example:443/new", "https://A.example:443/new"),
        ("http://a.example/keys", "https://a.example/keys", "https://a.example/keys"),
        ("http://a.example:8080/keys", "https://a.example/keys", "https://a.example/keys"),
        ("https://me:pw@a.example/keys", "/new", "https://a.example/new"),
        ("https://a.example/keys", "https://me:pw@a.example/new", "https://a.example/new"),
        ("https://a.example/keys", "http://a.example/keys", None),
        ("https://a.example/keys", "https://b.example/keys", None),
        ("https://a.example/keys", "//b.example/keys", None),
        ("https://a.example/keys", "https://a.example@b.example/keys", None),
        ("https://a.example/keys", "https://a.example:8443/keys", None),
        ("http://a.example/keys", "https://a.example:8443/keys", None),
        ("http://a.example/keys", "http://a.example:6379/", None),
        ("https://a.example/keys", "https://a.example:port/", None),
        ("https://a.example/keys", "https://[a.example/", None),
        ("https://a.example/keys", "file:///etc/passwd", None),
        ("https://a.example/keys", "javascript:alert(1)", None),
        ("https://a.example/keys", "", None),
    ],
    ids=[
        "path with a query",
        "relative path",
        "same host in capitals",
        "to TLS",
        "to TLS from a port",
        "password in ours",
        "password in theirs",
        "away from TLS",
        "another host",
        "another host without a scheme",
        "host as user",
        "another port",
        "to TLS on another port",
        "another port without TLS",
        "broken port",
        "broken IPv6",
        "a file",
        "a script",
        "empty",
    ],
)
def test_redirect_stays_on_its_host(url: str, location: str, target: str | None) -> None:
    answer = requests.Response()
    answer.status_code, answer.headers["Location"] = 302, location

    assert read_redirect(answer, url) == target


@pytest.mark.parametrize("status", [200, 201, 300, 304, 305, 404], ids=str)
def test_other_answers_redirect_nowhere(status: int) -> None:
    answer = requests.Response()
    answer.status_code, answer.headers["Location"] = status, "/new"

    assert read_redirect(answer, "https://a.example/keys") is None
