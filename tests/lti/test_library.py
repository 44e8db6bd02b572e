"""The library under the door: exactly one of its distributions, used alike."""

from importlib.metadata import PackageNotFoundError

import jwt
import pytest

from lti_bridge.core.errors import ConfigurationError, LaunchRejected
from lti_bridge.lti import library
from lti_bridge.lti.values import PlatformValues, SigningKey
from tests.mini_platform import LTI, captured, rsa_key

PLATFORM = PlatformValues(
    id=1,
    issuer="https://lms.example",
    client_id="client-1",
    authorization_url="https://lms.example/auth",
    token_url="https://lms.example/token",
    jwks_url="https://lms.example/jwks",
)


def install(monkeypatch, *names: str) -> None:
    def version(name: str) -> str:
        if name not in names:
            raise PackageNotFoundError(name)
        return "2.0"

    monkeypatch.setattr(library, "version", version)


@pytest.mark.parametrize("name", ["PyLTI1p3", "pylti1p3next"])
def test_one_distribution_is_enough(monkeypatch, name):
    install(monkeypatch, name)

    assert library.check_library() == f"{name} 2.0"


@pytest.mark.parametrize("names", [(), ("PyLTI1p3", "pylti1p3next")], ids=["none", "both"])
def test_none_or_both_stop_the_start(monkeypatch, names):
    install(monkeypatch, *names)

    with pytest.raises(ConfigurationError, match="exactly one of PyLTI1p3 and pylti1p3next"):
        library.check_library()


def test_installed_library_is_accepted():
    assert library.check_library().startswith(("PyLTI1p3 ", "pylti1p3next "))


def test_signs_with_a_parsed_key():
    token = library.encode_jwt(PLATFORM, {"iss": "client-1"}, SigningKey("k", rsa_key("tool")))

    claims = jwt.decode(token, rsa_key("tool").public_key(), algorithms=["RS256"])
    assert claims == {"iss": "client-1"}
    assert jwt.get_unverified_header(token) == {"alg": "RS256", "kid": "k", "typ": "JWT"}


def test_registration_is_never_shared():
    one, two = library.registration(PLATFORM), library.registration(PLATFORM)
    one.set_client_id("other")

    assert two.get_client_id() == "client-1"
    assert two.get_auth_audience() == "https://lms.example/token"


@pytest.mark.parametrize(
    "changes, reason",
    [
        ({"resource_link": {}}, "bad_message"),
        ({"resource_link": "2"}, "bad_message"),
        ({"version": "1.1"}, "bad_message"),
        ({"message_type": "Other"}, "unknown_message"),
        ({"message_type": "LtiSubmissionReviewRequest", "for_user": {}}, "bad_message"),
    ],
    ids=[
        "no resource link id",
        "a text as resource link",
        "another version",
        "another type",
        "a review without a user",
    ],
)
def test_library_checks_each_message(changes, reason):
    claims = captured("launch_student1_embed.json")["claims"]
    broken = {**claims, **{LTI + name: value for name, value in changes.items()}}

    with pytest.raises(LaunchRejected) as caught:
        library.validate_message(broken)

    assert caught.value.reason == reason
