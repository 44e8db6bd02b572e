"""1EdTech's known bad payloads of the LTI 1.3 tool certification, by their names, and our own.

Each goes over HTTP through the whole bridge; `tests/door.py` says what every refusal must be.
"""

import pytest

from tests.door import HOSTILE
from tests.mini_platform import LEARNER, LTI

BAD_CLAIMS = [
    ("wrong LTI version", {"version": "11.3"}, "bad_message"),
    ("no LTI version", {"version": None}, "bad_message"),
    ("version is a number", {"version": 1.3}, "bad_message"),
    ("invalid LTI message", {"message_type": "basic-lti-launch-request"}, "unknown_message"),
    ("hostile message type", {"message_type": HOSTILE}, "unknown_message"),
    ("message type claim missing", {"message_type": None}, "bad_claims"),
    ("message type is a list", {"message_type": ["LtiResourceLinkRequest"]}, "bad_claims"),
    ("role claim missing", {"roles": None}, "bad_roles"),
    ("roles not a list", {"roles": LEARNER}, "bad_roles"),
    ("deployment id claim missing", {"deployment_id": None}, "bad_claims"),
    ("deployment id is empty", {"deployment_id": ""}, "bad_claims"),
    ("deployment id too long", {"deployment_id": "1" * 256}, "bad_claims"),
    ("resource link claim missing", {"resource_link": None}, "bad_message"),
    ("resource link id claim missing", {"resource_link": {"title": "Golf"}}, "bad_message"),
    ("resource link id is empty", {"resource_link": {"id": ""}}, "bad_message"),
    ("resource link id too long", {"resource_link": {"id": "x" * 256}}, "bad_claims"),
    ("resource link id is a list", {"resource_link": {"id": ["link-1"]}}, "bad_claims"),
    ("resource link id is an object", {"resource_link": {"id": {"a": 1}}}, "bad_claims"),
    ("resource link is text", {"resource_link": "link-1"}, "bad_claims"),
    ("resource link id with a zero byte", {"resource_link": {"id": "a\0b"}}, "bad_claims"),
    (
        "resource link id in half a character",
        {"resource_link": {"id": "a\ud800"}},
        "token_malformed",
    ),
    ("context is text", {"context": "c1"}, "bad_claims"),
    ("custom is text", {"custom": "golf"}, "bad_claims"),
    ("user claim missing", {"sub": None}, "anonymous_launch"),
    ("user is empty", {"sub": ""}, "anonymous_launch"),
    ("user and nonce missing", {"sub": None, "nonce": None}, "claims_missing"),
    ("user is blank", {"sub": " "}, "bad_claims"),
    ("user is a number", {"sub": 5}, "bad_claims"),
    ("user too long", {"sub": "x" * 256}, "bad_claims"),
    ("user with a zero byte", {"sub": "alice\0"}, "bad_claims"),
    ("user in half a character", {"sub": "alice\ud83d"}, "token_malformed"),
    ("target link uri missing", {"target_link_uri": None}, "bad_claims"),
    ("target on another host", {"target_link_uri": "http://evil.example/"}, "wrong_target"),
    ("target on another port", {"target_link_uri": "http://bridge.example:81/"}, "wrong_target"),
    ("target of another scheme", {"target_link_uri": "https://bridge.example/"}, "wrong_target"),
    ("target looks like ours", {"target_link_uri": "http://bridge.example.evil/"}, "wrong_target"),
    ("target hides its host", {"target_link_uri": "http://bridge.example@evil/"}, "wrong_target"),
    ("target is a script", {"target_link_uri": "javascript:alert(1)"}, "wrong_target"),
    ("issuer missing", {"iss": None}, "claims_missing"),
    ("unknown issuer", {"iss": "https://evil.example"}, "wrong_issuer"),
    ("issuer in a list", {"iss": ["https://evil.example"]}, "wrong_issuer"),
    ("audience missing", {"aud": None}, "claims_missing"),
    ("audience is an empty list", {"aud": []}, "wrong_audience"),
    ("another tool's audience", {"aud": "other"}, "wrong_audience"),
    ("audience only begins like ours", {"aud": "client-11"}, "wrong_audience"),
    ("list of audiences without ours", {"aud": ["other"], "azp": "client-1"}, "wrong_audience"),
    ("list of audiences without azp", {"aud": ["client-1", "other"]}, "wrong_audience"),
    ("azp of another tool", {"aud": ["client-1", "o"], "azp": "o"}, "wrong_audience"),
    ("azp of another tool, one audience", {"azp": "o"}, "wrong_audience"),
    ("azp is a list", {"azp": ["client-1"]}, "wrong_audience"),
    ("audience is an object", {"aud": {"client-1": 1}}, "wrong_audience"),
    ("nonce missing", {"nonce": None}, "claims_missing"),
    ("nonce of another login", {"nonce": "other"}, "wrong_nonce"),
    ("nonce is a number", {"nonce": 5}, "wrong_nonce"),
    ("name in half a character", {"given_name": "Al\ud83d"}, "token_malformed"),
    ("nonce in half a character", {"nonce": "\ud800"}, "token_malformed"),
    ("exp missing", {"exp": None}, "claims_missing"),
    ("iat missing", {"iat": None}, "claims_missing"),
    ("exp is text", {"exp": "soon"}, "bad_claims"),
    ("exp is infinite", {"exp": 10**30}, "bad_claims"),
    ("iat is true", {"iat": True}, "bad_claims"),
]


@pytest.mark.parametrize(
    "changes, reason", [case[1:] for case in BAD_CLAIMS], ids=[case[0] for case in BAD_CLAIMS]
)
def test_bad_claims_are_refused(bench, changes, reason):
    bench.refused(bench.token(**changes), reason)


@pytest.mark.parametrize(
    "issued, expires, reason",
    [
        (-120, -61, "token_expired"),
        (62, 120, "token_from_future"),
        (-1000, 60, "token_too_old"),
        (-3 * 365 * 86400, 60, "token_too_old"),
    ],
    ids=["expired", "issued in the future", "issued long ago", "issued years ago"],
)
def test_timestamps_incorrect(bench, issued, expires, reason):
    times = {"iat": bench.now + issued, "exp": bench.now + expires}

    bench.refused(bench.token(**times), reason)


def test_not_before_is_kept(bench):
    bench.refused(bench.token(nbf=bench.now + 90), "token_from_future")


def test_missing_lti_claims(bench):
    claims = {key: value for key, value in bench.claims().items() if not key.startswith(LTI)}

    bench.refused(bench.platform.sign(claims), "bad_claims")
