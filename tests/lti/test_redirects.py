"""A bearer token never follows a redirect, wherever it leads."""

from collections.abc import Iterator

import pytest

from lti_bridge.core.errors import Refused
from lti_bridge.core.http.session import Outbound
from lti_bridge.lti.gradebook import Gradebook
from lti_bridge.lti.memberships import Memberships
from lti_bridge.lti.tokens import AccessTokens
from lti_bridge.lti.values import SigningKey
from tests.conftest import FakeClock
from tests.mini_platform import MiniPlatform, Reply, rsa_key

TARGET = "/moved"


class Caller:
    """Makes each call that carries an access token, at an address that redirects."""

    def __init__(self, platform: MiniPlatform, outbound: Outbound, clock: FakeClock) -> None:
        tokens = AccessTokens(outbound, clock, lambda: SigningKey("k", rsa_key("tool")))
        self.gradebook, self.memberships = (
            Gradebook(outbound, tokens),
            Memberships(outbound, tokens),
        )
        self.values, self.url = platform.values(), f"{platform.url}/1"

    def score(self) -> None:
        reply = self.gradebook.send_score(self.values, self.url, b"{}", deadline_seconds=5)
        assert reply.status >= 300

    def result(self) -> None:
        with pytest.raises(Refused):
            self.gradebook.read_results_of(self.values, self.url, "7", 5)

    def results(self) -> None:
        with pytest.raises(Refused):
            self.gradebook.read_results(self.values, self.url, 5)

    def line_items(self) -> None:
        with pytest.raises(Refused):
            self.gradebook.find_line_items(self.values, self.url, "2", 5)

    def names(self) -> None:
        with pytest.raises(Refused):
            self.memberships.read_roster(self.values, self.url, deadline_seconds=5)


@pytest.fixture
def elsewhere() -> Iterator[MiniPlatform]:
    platform = MiniPlatform()
    yield platform
    platform.stop()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308], ids=str)
@pytest.mark.parametrize("call", ["score", "result", "results", "line_items", "names"])
@pytest.mark.parametrize("same_host", [True, False], ids=["same host", "another host"])
def test_token_follows_no_redirect(
    platform: MiniPlatform,
    elsewhere: MiniPlatform,
    outbound: Outbound,
    clock: FakeClock,
    call: str,
    status: int,
    same_host: bool,
) -> None:
    target = platform if same_host else elsewhere
    reply = Reply(status, b"", {"Location": target.url + TARGET})
    for route in (("POST", "/1/scores"), ("GET", "/1/results"), ("GET", "/1")):
        platform.routes[route] = reply

    getattr(Caller(platform, outbound, clock), call)()

    assert [asked.path for asked in platform.asked][0] == "/token"
    assert len(platform.asked) == 2
    assert platform.requests_to(TARGET) == elsewhere.asked == []
