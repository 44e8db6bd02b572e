"""The cookie that ties a launch to its browser."""

import pytest
from flask import Response

from lti_bridge.lti.launch_state import COOKIE_PREFIX
from lti_bridge.web.login_cookies import forget_secret, keep_secret


def cookies_of(response: Response) -> list[str]:
    return response.headers.getlist("Set-Cookie")


def keep(cookies=None, *, secure=True, secret="100.secret") -> list[str]:
    response = Response()
    keep_secret(
        response,
        COOKIE_PREFIX + "new",
        secret,
        cookies=cookies or {},
        secure=secure,
        max_age_seconds=600,
    )
    return cookies_of(response)


def test_https_cookie_works_in_a_frame():
    written = keep()

    assert len(written) == 1
    assert written[0].startswith(f"{COOKIE_PREFIX}new=100.secret; ")
    parts = {part for part in written[0].split("; ")[1:] if not part.startswith("Expires=")}
    assert parts == {
        "Max-Age=600",
        "Secure",
        "HttpOnly",
        "Path=/",
        "SameSite=None",
        "Partitioned",
    }


def test_plain_cookie_over_http():
    parts = keep(secure=False)[0].split("; ")

    assert "SameSite=Lax" in parts
    assert not {"Secure", "Partitioned", "SameSite=None"} & set(parts)


def test_oldest_of_many_logins_is_dropped():
    cookies = {f"{COOKIE_PREFIX}{n}": f"{90 + n}.secret" for n in range(8)} | {"other": "1.x"}

    written = keep(cookies)

    assert len(written) == 2
    assert written[0].startswith(f"{COOKIE_PREFIX}0=;")
    assert "Max-Age=0" in written[0]


@pytest.mark.parametrize(
    "value", ["", "x.y", "9" * 50, "-1.x"], ids=["empty", "no number", "no secret", "negative"]
)
def test_odd_cookie_counts_as_oldest(value):
    cookies = {f"{COOKIE_PREFIX}{n}": f"{90 + n}.secret" for n in range(7)}

    written = keep({**cookies, f"{COOKIE_PREFIX}odd": value})

    assert written[0].startswith(f"{COOKIE_PREFIX}odd=;")


def test_deleting_matches_setting():
    response = Response()

    forget_secret(response, COOKIE_PREFIX + "x", secure=True)

    parts = cookies_of(response)[0].split("; ")
    assert {"Max-Age=0", "Partitioned", "Secure", "SameSite=None", "Path=/"} <= set(parts)


def test_seconds_are_older_than_ours():
    """Cookies of the release before are told from ours by their shorter stamps."""
    cookies = {f"{COOKIE_PREFIX}{n}": f"{1_800_000_000_000_000 + n}.x" for n in range(7)}
    cookies[f"{COOKIE_PREFIX}old"] = "1999999999.secret"

    written = keep(cookies, secret="1800000000000009.secret")

    assert [line.partition("=")[0] for line in written] == [
        f"{COOKIE_PREFIX}old",
        f"{COOKIE_PREFIX}new",
    ]


def test_made_up_stamp_is_dropped_first():
    cookies = {f"{COOKIE_PREFIX}{n}": f"{90 + n}.secret" for n in range(7)}
    cookies[f"{COOKIE_PREFIX}bad"] = f"{'9' * 18}.secret"

    assert keep(cookies)[0].startswith(f"{COOKIE_PREFIX}bad=;")
