"""No address that others gave us reaches a private network, unless the operator allows it."""

import dataclasses
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from lti_bridge.app import create_app
from lti_bridge.core.errors import BridgeError
from lti_bridge.core.http.session import Outbound
from lti_bridge.lms.registry import may_serve
from lti_bridge.lti.dynamic_registration import PlatformConfiguration, fetch_configuration, register
from lti_bridge.lti.gradebook import Gradebook
from lti_bridge.lti.memberships import Memberships
from lti_bridge.lti.tokens import AccessTokens
from lti_bridge.lti.values import PlatformValues
from lti_bridge.platforms.connection_values import PlatformFacts
from lti_bridge.platforms.invites import make_invite
from lti_bridge.platforms.registry import add_platform
from lti_bridge.scorm_cloud.client import ScormCloudClient
from lti_bridge.services import Services
from tests.conftest import close_app, make_settings, with_settings
from tests.door import Door
from tests.mini_platform import MiniPlatform
from tests.world import HERE, code

# Other ways to write the loopback address on which the test's server listens.
DISGUISES = [
    "127.0.0.1",
    "localhost",
    "127.1",
    "0.0.0.0",
    "2130706433",
    "0x7f000001",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::1]",
    "[64:ff9b::7f00:1]",
    "lms.example",
]
METADATA = "http://169.254.169.254/latest/meta-data/"


@pytest.fixture(autouse=True)
def names(monkeypatch) -> None:
    """Let `lms.example` be a public name that leads to loopback, as an attacker's DNS would."""
    real = socket.getaddrinfo

    def resolve(host, *arguments, **options):
        return real("127.0.0.1" if host == "lms.example" else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.fixture
def guarded(door: Door, tmp_path, request) -> Iterator[Services]:
    """Another node on the door's database, which may not call private networks."""
    settings = make_settings(door.world.services.settings.database_url, tmp_path)
    strict = with_settings(settings, launch={"allow_private_networks": False})
    app = create_app(strict, now=door.clock)
    services = app.extensions["lti_bridge"]
    request.node.strict_app = app
    yield services
    close_app(app)


Call = Callable[[Services, MiniPlatform, str], object]


def _values(platform: MiniPlatform, url: str) -> PlatformValues:
    return platform.values(id=90, token_url=f"{url}/token", jwks_url=f"{url}/jwks")


def _configuration(url: str) -> PlatformConfiguration:
    addresses = (f"{url}/{name}" for name in ("auth", "token", "jwks", "register"))
    return PlatformConfiguration(url, *addresses, family="moodle")


@contextmanager
def _past_the_token(services: Services) -> Iterator[AccessTokens]:
    """Give access tokens without a guard: the call that needs one is what is tested."""
    free = Outbound(allow_private_networks=True)
    try:
        yield AccessTokens(free, services.now, services.tokens._signing_key)
    finally:
        free.close()


def _read_result(services: Services, platform: MiniPlatform, url: str) -> object:
    with _past_the_token(services) as tokens:
        book = Gradebook(services.outbound, tokens)
        return book.read_results_of(
            platform.values(), f"{url}/items/1", "alice", deadline_seconds=5
        )


def _send_score(services: Services, platform: MiniPlatform, url: str) -> object:
    with _past_the_token(services) as tokens:
        book = Gradebook(services.outbound, tokens)
        return book.send_score(platform.values(), f"{url}/items/1", b"{}", deadline_seconds=5)


def _read_roster(services: Services, platform: MiniPlatform, url: str) -> object:
    with _past_the_token(services) as tokens:
        rosters = Memberships(services.outbound, tokens)
        return rosters.read_roster(platform.values(), f"{url}/members", deadline_seconds=5)


def _ping_account(services: Services, _platform: MiniPlatform, url: str) -> object:
    return ScormCloudClient(f"{url}/api/v2", "a", "b", services.outbound).ping()


CALLS: dict[str, Call] = {
    "key set": lambda services, _, url: services.keysets.find_key(f"{url}/jwks", "key-1"),
    "token": lambda services, lms, url: services.tokens.get(_values(lms, url), ["x"]),
    "result": _read_result,
    "score": _send_score,
    "roster": _read_roster,
    "configuration": lambda s, _, url: fetch_configuration(
        s.outbound, f"{url}/lms", "x", may_serve
    ),
    "registration": lambda s, _, url: register(s.outbound, _configuration(url), {}, "x"),
    "account": _ping_account,
}


@pytest.mark.parametrize("host", DISGUISES, ids=str)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_private_address_is_not_called(door, guarded, call, host):
    port = urlsplit(door.platform.url).port
    door.platform.asked.clear()

    with pytest.raises(BridgeError):
        call(guarded, door.platform, f"http://{host}:{port}")

    # The test itself had the token, where one is needed before the call.
    needs_token = call in (_read_result, _send_score, _read_roster)
    allowed = {"/token"} if needs_token else set()
    assert {asked.path for asked in door.platform.asked} <= allowed


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_cloud_metadata_is_not_called(door, guarded, call, monkeypatch):
    dialled = []
    monkeypatch.setattr(
        "lti_bridge.core.http.address_guard.create_connection",
        lambda address, *_: dialled.append(address),
    )

    with pytest.raises(BridgeError):
        call(guarded, door.platform, METADATA.rstrip("/"))

    assert dialled == []


def test_launch_of_a_platform_with_private_keys(door, guarded, request):
    """The whole way: the launch stops with a coded page, and the address was not called."""
    url = door.platform.url
    facts = PlatformFacts(
        name="Inside",
        issuer="https://inside.example",
        client_id="client-1",
        authorization_url=f"{url}/auth",
        token_url=f"{url}/inside",
        jwks_url=f"{url}/jwks",
        dialect="generic",
    )
    add_platform(facts, "1", now=door.clock())
    world = dataclasses.replace(door.visitor(), browser=request.node.strict_app.test_client())
    sent = world.login(iss="https://inside.example")
    claims = door.platform.claims(door.clock(), sent["nonce"], iss="https://inside.example")
    door.platform.asked.clear()

    form = {"state": sent["state"], "id_token": door.platform.sign(claims)}
    answer = world.browser.post("/lti/launch", data=form)

    assert (answer.status_code, code(answer)) == (503, "keys_unavailable")
    assert door.platform.asked == []


@pytest.mark.parametrize("host", DISGUISES, ids=str)
def test_registration_from_a_private_address(door, guarded, request, host):
    invite = make_invite("X", None, now=door.clock())
    port = urlsplit(door.platform.url).port
    rows = door.everything()
    door.platform.asked.clear()

    answer = request.node.strict_app.test_client().post(
        f"{HERE}/lti/register",
        data={"invite": invite, "openid_configuration": f"http://{host}:{port}/lms"},
    )

    assert 400 <= answer.status_code < 500
    assert door.platform.asked == []
    assert door.everything() == rows


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "gopher://127.0.0.1/", "ftp://127.0.0.1/", "//127.0.0.1/", "x"]
)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_only_web_addresses_are_called(door, guarded, call, url):
    with pytest.raises(BridgeError):
        call(guarded, door.platform, url)
