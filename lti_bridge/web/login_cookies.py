"""Cookies that bind a launch to the browser that began it: a short-lived one per login."""

import secrets
from collections.abc import Mapping

from flask import Request, Response

from ..lti.browser_binding import Arriving
from ..lti.launch_state import COOKIE_PREFIX, read_stamp
from .page_tokens import PAGE_SECONDS

MOST_COOKIES = 8
# Shows only that this browser keeps cookies here, so that the next login skips the test.
PROBE = "lti_bridge_keeps_cookies"
PROBE_SECONDS = 86400
# Binds an admin's page to the browser that launched it: its URL alone opens no console.
PAGE_COOKIE = "lti_bridge_page"
# Parameters that the bridge adds to a login's when it restarts the login.
BOUNCED, IN_WINDOW = "lti_bridge_bounced", "lti_bridge_window"
FRAMES = ("iframe", "frame", "embed", "object")


def look_at(request: Request) -> Arriving:
    """Return what a login request tells about its browser."""
    ours = any(name == PROBE or name.startswith(COOKIE_PREFIX) for name in request.cookies)
    return Arriving(
        framed=request.headers.get("Sec-Fetch-Dest") in FRAMES,
        has_cookie=ours,
        bounced=BOUNCED in request.values,
        in_window=IN_WINDOW in request.values,
        storage_offered=bool(request.values.get("lti_storage_target")),
    )


def kept_secrets(cookies: Mapping[str, str]) -> dict[str, str]:
    """Return the login secrets in this browser's cookies, by cookie name."""
    return {name: text for name, text in cookies.items() if name.startswith(COOKIE_PREFIX)}


def probe(response: Response, *, secure: bool) -> None:
    """Set the cookie that shows at the next login that cookies work."""
    _set(response, PROBE, "1", secure=secure, max_age_seconds=PROBE_SECONDS)


def keep_secret(
    response: Response,
    name: str,
    secret: str,
    *,
    cookies: Mapping[str, str],
    secure: bool,
    max_age_seconds: int,
) -> None:
    """Set one login's cookie; deletes the oldest to keep at most MOST_COOKIES."""
    kept, newest = kept_secrets(cookies), read_stamp(secret)

    def age(key: str) -> tuple[int, str]:
        stamp = read_stamp(kept[key])
        return (stamp if stamp < newest else 0), key  # a newer stamp than `secret` is forged

    for key in sorted(kept, key=age)[: max(0, len(kept) - MOST_COOKIES + 1)]:
        forget_secret(response, key, secure=secure)
    _set(response, name, secret, secure=secure, max_age_seconds=max_age_seconds)


def page_secret(cookies: Mapping[str, str]) -> str:
    """Return the secret of this browser's pages: from its cookie, or a new one."""
    return cookies.get(PAGE_COOKIE) or secrets.token_urlsafe(24)


def keep_page_secret(response: Response, secret: str, *, secure: bool) -> None:
    """Set the cookie with the pages' secret, for as long as a page is valid."""
    _set(response, PAGE_COOKIE, secret, secure=secure, max_age_seconds=PAGE_SECONDS)


def forget_secret(response: Response, name: str, *, secure: bool) -> None:
    """Delete one login's cookie, with the same attributes: Partitioned cookies need them."""
    _set(response, name, "", secure=secure, max_age_seconds=0)


def _set(response: Response, name: str, value: str, *, secure: bool, max_age_seconds: int) -> None:
    """Set a cookie that works in the LMS's frame; Partitioned, as others may be blocked there.

    Over http only a loopback LMS, which is the same site, can frame us: Lax.
    """
    response.set_cookie(
        name,
        value,
        max_age=max_age_seconds,
        path="/",
        httponly=True,
        secure=secure,
        samesite="None" if secure else "Lax",
        partitioned=secure,
    )
