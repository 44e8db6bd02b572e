"""Access tokens: how they are asked for, kept, shared and refused."""

import threading
from concurrent.futures import ThreadPoolExecutor
from email.utils import format_datetime

import jwt
import pytest

from lti_bridge.core.errors import Refused, Unavailable
from lti_bridge.lti.tokens import ASSERTION_TYPE, AccessTokens
from lti_bridge.lti.values import SCOPE_LINE_ITEM_READ, SCOPE_RESULT_READ, SCOPE_SCORE, SigningKey
from tests.mini_platform import Asked, Reply, captured, rsa_key

GRADE_SCOPES = (SCOPE_LINE_ITEM_READ, SCOPE_RESULT_READ, SCOPE_SCORE)


@pytest.fixture
def tokens(outbound, clock):
    return AccessTokens(outbound, clock, lambda: SigningKey("tool-1", rsa_key("tool")))


def assertion_of(asked: Asked) -> dict:
    options = {"verify_exp": False, "verify_iat": False, "verify_aud": False}
    key = rsa_key("tool").public_key()
    token = asked.form()["client_assertion"]
    return jwt.decode(token, key, algorithms=["RS256"], options=options)


def token_requests(platform) -> list[Asked]:
    return platform.requests_to("/token")


def recorded(name: str) -> dict:
    return next(entry for entry in captured("ags_token.json") if entry["name"] == name)


def replay(platform, name: str) -> None:
    answer = recorded(name)["response"]
    body, headers = answer["body"], {"Content-Type": answer["headers"]["Content-Type"]}
    platform.routes["POST", "/token"] = Reply(answer["status"], body, headers)


def test_asks_with_back_dated_assertion(platform, tokens, clock):
    tokens.get(platform.values(), GRADE_SCOPES)

    asked = token_requests(platform)[0]
    assertion = assertion_of(asked)
    issued = int(clock().timestamp()) - 5
    assert len(assertion.pop("jti")) >= 20
    assert assertion == {
        "iss": "client-1",
        "sub": "client-1",
        "aud": f"{platform.url}/token",
        "iat": issued,
        "exp": issued + 300,
    }
    assert asked.form()["grant_type"] == "client_credentials"
    assert asked.form()["client_assertion_type"] == ASSERTION_TYPE
    assert asked.form()["scope"] == " ".join(GRADE_SCOPES)
    assert jwt.get_unverified_header(asked.form()["client_assertion"])["kid"] == "tool-1"


def test_audience_can_differ_from_token_url(platform, tokens):
    tokens.get(platform.values(audience="https://lms.example"), GRADE_SCOPES)

    assert assertion_of(token_requests(platform)[0])["aud"] == "https://lms.example"


def test_keeps_token_until_shortly_before_its_end(platform, tokens, clock):
    first = tokens.get(platform.values(), GRADE_SCOPES)
    clock.advance(3600 - 61)
    kept = tokens.get(platform.values(), GRADE_SCOPES)
    clock.advance(2)

    renewed = tokens.get(platform.values(), GRADE_SCOPES)

    assert kept == first
    assert renewed != first


def test_dropped_token_is_asked_for_anew(platform, tokens):
    first = tokens.get(platform.values(), GRADE_SCOPES)

    tokens.drop(platform.values(), GRADE_SCOPES)

    assert tokens.get(platform.values(), GRADE_SCOPES) != first


def test_schools_of_one_issuer_share_nothing(platform, tokens):
    school_a = platform.values(id=1, client_id="school-a")
    school_b = platform.values(id=2, client_id="school-b")

    got = [tokens.get(school, GRADE_SCOPES) for school in (school_a, school_b, school_a, school_b)]

    assert got[:2] == got[2:]
    assert got[0] != got[1]
    assert [assertion_of(a)["iss"] for a in token_requests(platform)] == ["school-a", "school-b"]


def test_many_threads_ask_once(platform, tokens):
    go, answer = threading.Event(), platform.routes["POST", "/token"]

    def slowly(asked):
        go.wait(5)
        return answer(asked)

    platform.routes["POST", "/token"] = slowly
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(tokens.get, platform.values(), GRADE_SCOPES) for _ in range(8)]
        go.set()
        got = {future.result(timeout=10) for future in waiting}

    assert len(got) == 1
    assert len(token_requests(platform)) == 1


def test_clock_ahead_of_platform_is_corrected_once(platform, tokens, clock):
    their_time = format_datetime(clock(), usegmt=True)
    clock.advance(40)
    accepted = platform.routes["POST", "/token"]

    def strict(asked):
        ours = assertion_of(asked)["iat"]
        if ours > clock().timestamp() - 40:
            return Reply(400, {"error": "Cannot handle token with iat prior to"}, date=their_time)
        return accepted(asked)

    platform.routes["POST", "/token"] = strict
    tokens.get(platform.values(), GRADE_SCOPES)
    tokens.drop(platform.values(), GRADE_SCOPES)
    tokens.get(platform.values(), GRADE_SCOPES)

    now = int(clock().timestamp())
    back = [now - assertion_of(asked)["iat"] for asked in token_requests(platform)]
    assert back == [5, 46, 46]


def test_refusal_is_not_repeated_without_skew(platform, tokens, clock):
    date = format_datetime(clock(), usegmt=True)
    platform.routes["POST", "/token"] = Reply(400, {"error": "invalid_client"}, date=date)

    with pytest.raises(Refused) as caught:
        tokens.get(platform.values(), GRADE_SCOPES)

    assert (caught.value.status, caught.value.code) == (400, "invalid_client")
    assert len(token_requests(platform)) == 1


@pytest.mark.parametrize(
    "reply, wait",
    [
        (Reply(503, headers={"Retry-After": "7"}), 7),
        (Reply(429), None),
        (Reply(403, b"403 Forbidden (Rate Limit Exceeded)"), None),
        (Reply(200, b"<html>"), None),
        (Reply(200, {"access_token": 5}), None),
        (Reply(200, {"access_token": "a\nb"}), None),
        (Reply(302, headers={"Location": "https://elsewhere.example"}), None),
    ],
    ids=["503", "429", "throttled", "html", "number", "line break", "redirect"],
)
def test_asks_again_later(platform, tokens, reply, wait):
    platform.routes["POST", "/token"] = reply

    with pytest.raises((Unavailable, Refused)) as caught:
        tokens.get(platform.values(), GRADE_SCOPES)

    expected = Refused if reply.status == 302 else Unavailable
    assert type(caught.value) is expected
    assert getattr(caught.value, "retry_after", None) == wait


def test_reads_token_of_moodle(platform, tokens, clock):
    replay(platform, "token_all_scopes")

    token = tokens.get(platform.values(), GRADE_SCOPES)

    assert token == recorded("token_all_scopes")["response"]["body"]["access_token"]


@pytest.mark.parametrize(
    "name, code",
    [
        ("token_not_permitted_scope", "invalid_scope"),
        ("token_no_scope", "invalid_request"),
        ("token_wrong_grant", "unsupported_grant_type"),
        ("token_bad_client", "invalid_client"),
        ("token_expired_assertion", ""),
        ("token_no_kid", ""),
        ("token_wrong_kid", ""),
        ("token_wrong_key", ""),
    ],
    ids=[
        "not permitted scope",
        "no scope",
        "wrong grant",
        "bad client",
        "expired assertion",
        "no kid",
        "wrong kid",
        "wrong key",
    ],
)
def test_reads_refusals_of_moodle(platform, tokens, name, code):
    replay(platform, name)

    with pytest.raises(Refused) as caught:
        tokens.get(platform.values(), GRADE_SCOPES)

    assert (caught.value.status, caught.value.code) == (400, code)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("JWS signature\r\ninvalid.", "JWS signature invalid."),
        ("x" * 1000, "x" * 200),
        ("a\0b\x1b[31mc", "ab [31mc"),
        (None, ""),
        (["no", "text"], ""),
    ],
    ids=["line break", "long", "control characters", "nothing", "no text"],
)
def test_refusal_keeps_the_words_of_the_lms(platform, tokens, said, shown):
    body = {"error": "invalid_client", "error_description": said}
    platform.routes["POST", "/token"] = Reply(401, body)

    with pytest.raises(Refused) as caught:
        tokens.get(platform.values(), GRADE_SCOPES)

    assert (caught.value.code, caught.value.explanation) == ("invalid_client", shown)
    assert shown not in str(caught.value) or not shown


@pytest.mark.parametrize(
    ("said", "granted"),
    [(GRADE_SCOPES[-1], GRADE_SCOPES[-1:]), ("", GRADE_SCOPES), (None, GRADE_SCOPES)],
    ids=["what the LMS says", "nothing said", "left out"],
)
def test_token_knows_its_scopes(platform, tokens, said, granted):
    body = {"access_token": "t", "expires_in": 3600, "scope": said}
    platform.routes["POST", "/token"] = Reply(200, body)

    tokens.get(platform.values(), GRADE_SCOPES)

    assert tokens.granted(platform.values(), GRADE_SCOPES) == granted


@pytest.mark.parametrize(
    "life", [None, 0, -5, "soon", float(10**12)], ids=["none", "zero", "negative", "text", "huge"]
)
def test_odd_lives_become_an_hour(platform, tokens, clock, life):
    platform.routes["POST", "/token"] = lambda _: Reply(
        body={**platform.token(), "expires_in": life}
    )
    first = tokens.get(platform.values(), GRADE_SCOPES)
    clock.advance(3500)
    kept = tokens.get(platform.values(), GRADE_SCOPES)
    clock.advance(100)

    assert kept == first
    assert tokens.get(platform.values(), GRADE_SCOPES) != first
