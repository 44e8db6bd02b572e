"""Platform keys: fetched once, found by kid, kept through an outage."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from lti_bridge.core.errors import Unavailable
from lti_bridge.lti.keysets import KeySets, fetch_keys
from tests.mini_platform import MiniPlatform, Reply, captured, public_jwk, rsa_key

DAY = 24 * 3600


@pytest.fixture
def keysets(outbound, clock):
    return KeySets(outbound, clock, cache_seconds=3600)


def jwks_url(platform) -> str:
    return f"{platform.url}/jwks"


def break_down(platform) -> None:
    platform.routes["GET", "/jwks"] = Reply(503, {"error": "maintenance"})


def test_warm_key_costs_no_request(platform, keysets):
    keysets.find_key(jwks_url(platform), "key-1")

    found = keysets.find_key(jwks_url(platform), "key-1")

    assert found.public_numbers() == rsa_key().public_key().public_numbers()
    assert len(platform.asked) == 1


def test_set_is_fetched_again_after_its_life(platform, keysets, clock):
    keysets.find_key(jwks_url(platform), "key-1")
    clock.advance(3601)

    keysets.find_key(jwks_url(platform), "key-1")

    assert len(platform.asked) == 2


def test_rotated_key_is_found_at_once(platform, keysets, clock):
    keysets.find_key(jwks_url(platform), "key-1")
    clock.advance(60)
    platform.keys.append(public_jwk("key-2", rsa_key("rotated")))

    found = keysets.find_key(jwks_url(platform), "key-2")

    assert found.public_numbers() == rsa_key("rotated").public_key().public_numbers()


def test_invented_kids_do_not_flood_platform(platform, keysets, clock):
    keysets.find_key(jwks_url(platform), "key-1")
    clock.advance(60)

    found = [keysets.find_key(jwks_url(platform), f"invented-{n}") for n in range(20)]

    assert found == [None] * 20
    assert len(platform.asked) == 2


def test_old_keys_outlive_an_outage(platform, keysets, clock):
    keysets.find_key(jwks_url(platform), "key-1")
    break_down(platform)
    clock.advance(DAY - 60)

    assert keysets.find_key(jwks_url(platform), "key-1") is not None
    assert len(platform.asked) == 2


def test_keys_of_yesterday_are_not_trusted(platform, keysets, clock):
    keysets.find_key(jwks_url(platform), "key-1")
    break_down(platform)
    clock.advance(DAY + 60)

    with pytest.raises(Unavailable):
        keysets.find_key(jwks_url(platform), "key-1")


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Maintenance</html>",
        b"[]",
        b"{}",
        b'{"keys": "key-1"}',
        b'{"keys": ["key-1"]}',
        b'{"keys": [' + b"{}," * 100 + b"{}]}",
        b'{"keys": []}' + b" " * 600_000,
        b"[" * 50_000,
    ],
    ids=["html", "list", "empty", "text", "texts", "too many", "too large", "too deep"],
)
def test_refuses_what_is_no_key_set(platform, keysets, body):
    platform.routes["GET", "/jwks"] = Reply(200, body)

    with pytest.raises(Unavailable):
        keysets.find_key(jwks_url(platform), "key-1")


def test_unfit_keys_are_left_out(platform, keysets):
    curve = ec.generate_private_key(ec.SECP256R1()).public_key()
    platform.keys = [
        {**ECAlgorithm.to_jwk(curve, as_dict=True), "kid": "curve"},
        public_jwk("for encryption", rsa_key(), use="enc"),
        public_jwk("other algorithm", rsa_key(), alg="RS512"),
        public_jwk("short", rsa_key("short", 1024)),
        public_jwk("broken", rsa_key(), n="!"),
        public_jwk("fit", rsa_key()),
    ]

    found = {key["kid"]: keysets.find_key(jwks_url(platform), key["kid"]) for key in platform.keys}

    assert [kid for kid, key in found.items() if key is not None] == ["fit"]


def test_reads_key_set_of_moodle(platform, keysets):
    platform.routes["GET", "/jwks"] = Reply(200, captured("platform_jwks.json"))
    kid = captured("platform_jwks.json")["keys"][0]["kid"]

    assert keysets.find_key(jwks_url(platform), kid) is not None


def test_whole_class_causes_one_fetch(platform, keysets):
    arrived, answer = threading.Event(), platform.routes["GET", "/jwks"]

    def slowly(asked):
        arrived.wait(5)
        return answer(asked)

    platform.routes["GET", "/jwks"] = slowly
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(keysets.find_key, jwks_url(platform), "key-1") for _ in range(8)]
        arrived.set()

        assert all(future.result(timeout=10) is not None for future in waiting)
    assert len(platform.asked) == 1


class HangingHost:
    """A key set host on which each fetch lasts five seconds of the fake clock, then fails."""

    def __init__(self, platform, clock) -> None:
        self.arrived, self.let_go = threading.Event(), threading.Event()
        self._clock = clock
        platform.routes["GET", "/jwks"] = self._hang

    def _hang(self, _asked) -> Reply:
        self.arrived.set()
        self.let_go.wait(10)
        self._clock.advance(5)
        return Reply(503, b"")


def failure(keysets, platform) -> BaseException | None:
    try:
        keysets.find_key(jwks_url(platform), "key-1")
    except Unavailable as error:
        return error
    return None


def test_waiters_share_one_failure(platform, keysets, clock):
    host = HangingHost(platform, clock)

    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(failure, keysets, platform) for _ in range(4)]
        host.arrived.wait(10)
        host.let_go.set()
        failures = [future.result(timeout=10) for future in waiting]

    assert [type(error) for error in failures] == [Unavailable] * 4
    assert len(platform.asked) == 1


def test_failure_counts_from_its_end(platform, keysets, clock):
    HangingHost(platform, clock).let_go.set()
    failure(keysets, platform)
    clock.advance(4)

    assert failure(keysets, platform)
    assert len(platform.asked) == 1


def test_failed_set_is_tried_again(platform, keysets, clock):
    answer = platform.routes["GET", "/jwks"]
    break_down(platform)
    failure(keysets, platform)
    platform.routes["GET", "/jwks"] = answer
    clock.advance(5)

    assert keysets.find_key(jwks_url(platform), "key-1") is not None


def test_failure_of_one_address_only(platform, keysets):
    answer = platform.routes["GET", "/jwks"]
    break_down(platform)
    failure(keysets, platform)
    platform.routes["GET", "/others"] = answer

    assert keysets.find_key(f"{platform.url}/others", "key-1") is not None


def test_failure_shares_old_keys_too(platform, keysets, clock):
    keysets.find_key(jwks_url(platform), "key-1")
    clock.advance(3601)
    HangingHost(platform, clock).let_go.set()

    found = []
    for _ in range(3):  # the second and third come up to eight seconds after the fetch failed
        found.append(keysets.find_key(jwks_url(platform), "key-1"))
        clock.advance(4)

    assert None not in found
    assert len(platform.asked) == 2


def test_too_old_keys_share_their_failure(platform, keysets, clock):
    keysets.find_key(jwks_url(platform), "key-1")
    break_down(platform)
    clock.advance(DAY + 60)

    assert all(failure(keysets, platform) for _ in range(3))
    assert len(platform.asked) == 2


def move(platform, location: str, status: int = 301) -> None:
    """Let the key set's address redirect; the set itself is at /moved."""
    platform.routes["GET", "/moved"] = platform.routes["GET", "/jwks"]
    platform.routes["GET", "/jwks"] = Reply(status, b"", {"Location": location})


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308], ids=str)
def test_moved_set_is_found(platform, keysets, status):
    move(platform, "/moved", status)

    assert keysets.find_key(jwks_url(platform), "key-1") is not None
    assert [asked.path for asked in platform.asked] == ["/jwks", "/moved"]


def test_address_may_be_whole(platform, keysets):
    move(platform, f"{platform.url}/moved")

    assert keysets.find_key(jwks_url(platform), "key-1") is not None


def test_redirect_takes_no_password_along(platform, keysets):
    move(platform, "/moved")
    address = jwks_url(platform).replace("://", "://me:secret@")

    keysets.find_key(address, "key-1")

    assert "authorization" not in platform.asked[-1].headers


def test_second_redirect_is_not_followed(platform, keysets):
    move(platform, "/again")
    platform.routes["GET", "/again"] = Reply(302, b"", {"Location": "/moved"})

    assert failure(keysets, platform)
    assert [asked.path for asked in platform.asked] == ["/jwks", "/again"]


def test_another_host_is_not_asked(platform, keysets):
    other = MiniPlatform()
    move(platform, f"{other.url}/jwks")

    assert failure(keysets, platform)
    assert other.asked == []
    other.stop()


@pytest.mark.parametrize(
    "location",
    ["", "file:///etc/passwd", "https://[", "http://%%%/"],
    ids=["empty", "a file", "broken IPv6", "broken host"],
)
def test_strange_redirect_is_a_failure(platform, keysets, location):
    move(platform, location)

    assert failure(keysets, platform)


class Upgrading:
    """An outbound session to a host that answers http with its https address."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def send(self, _method: str, url: str, **_options: object) -> requests.Response:
        self.sent.append(url)
        answer = requests.Response()
        answer.status_code, answer._content = 200, b'{"keys": []}'
        if url.startswith("http://"):
            answer.status_code = 301
            answer.headers["Location"] = url.replace("http://", "https://")
        return answer


def test_moved_to_https_is_followed():
    outbound = Upgrading()

    fetch_keys(outbound, "http://lms.example/jwks")

    assert outbound.sent == ["http://lms.example/jwks", "https://lms.example/jwks"]
