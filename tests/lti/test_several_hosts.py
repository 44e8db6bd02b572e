"""An LMS that answers on several hosts of one school wants tokens of the host that is asked."""

from collections.abc import Iterator

import pytest

from lti_bridge.core.http.session import Outbound
from lti_bridge.lti.gradebook import Gradebook
from lti_bridge.lti.tokens import AccessTokens
from lti_bridge.lti.values import PlatformValues, SigningKey
from tests.conftest import FakeClock
from tests.mini_platform import MiniPlatform, Reply, rsa_key

WRONG_AUD = Reply(401, {"errors": {"message": "Access token has an invalid aud"}})


@pytest.fixture
def school() -> Iterator[MiniPlatform]:
    """Another host of the same LMS."""
    platform = MiniPlatform()
    yield platform
    platform.stop()


@pytest.fixture
def gradebook(outbound: Outbound, clock: FakeClock) -> Gradebook:
    tokens = AccessTokens(outbound, clock, lambda: SigningKey("k", rsa_key("tool")))
    return Gradebook(outbound, tokens)


def serve(platform: MiniPlatform, school: MiniPlatform, answer: Reply) -> None:
    """Each host gives tokens; the school's gradebook takes those of its own."""
    for host, token in ((platform, "common"), (school, "own")):
        body = {"access_token": token, "expires_in": 3600}
        host.routes["POST", "/token"] = Reply(body=body)
    school.routes["POST", "/1/scores"] = lambda asked: (
        Reply() if asked.headers["authorization"] == "Bearer own" else answer
    )
    school.routes["GET", "/1/results"] = lambda asked: (
        Reply(body=[]) if asked.headers["authorization"] == "Bearer own" else answer
    )


def send(gradebook: Gradebook, values: PlatformValues, url: str) -> int:
    reply = gradebook.send_score(values, url, b"{}", deadline_seconds=5)
    if reply.status == 401:
        gradebook.forget_token(values, url)
    return reply.status


def test_host_of_a_launch_gets_its_own_token(
    platform: MiniPlatform, school: MiniPlatform, gradebook: Gradebook
) -> None:
    serve(platform, school, WRONG_AUD)
    values = platform.values(frame_origins=(school.url,))

    answers = [send(gradebook, values, f"{school.url}/1") for _ in range(3)]

    assert answers == [401, 200, 200]
    assert len(school.requests_to("/token")) == 1
    assert gradebook.read_results_of(values, f"{school.url}/1", "7", 5) == []


def test_reading_learns_it_too(
    platform: MiniPlatform, school: MiniPlatform, gradebook: Gradebook
) -> None:
    serve(platform, school, WRONG_AUD)
    values = platform.values(frame_origins=(school.url,))

    assert gradebook.read_results_of(values, f"{school.url}/1", "7", 5) == []


@pytest.mark.parametrize(
    ("origins", "answer"),
    [((), WRONG_AUD), (("https://elsewhere.example",), WRONG_AUD), (None, Reply(401, "no"))],
    ids=["host never seen", "another host seen", "another reason"],
)
def test_no_other_host_gets_an_assertion(
    platform: MiniPlatform,
    school: MiniPlatform,
    gradebook: Gradebook,
    origins: tuple[str, ...] | None,
    answer: Reply,
) -> None:
    serve(platform, school, answer)
    seen = (school.url,) if origins is None else origins
    values = platform.values(frame_origins=seen)

    answers = [send(gradebook, values, f"{school.url}/1") for _ in range(2)]

    assert answers == [401, 401]
    assert school.requests_to("/token") == []
