"""Access tokens of the LMS's services (OAuth 2.0 client credentials), cached until they expire."""

import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests

from ..core.errors import Refused, Unavailable
from ..core.http.session import Outbound
from ..core.plain_text import one_line
from .library import encode_jwt
from .replies import is_throttled, origin, read_json, read_retry_after
from .values import PlatformValues, SigningKey

ASSERTION_SECONDS = 300
# Moodle refuses an assertion whose iat lies even one second ahead of its clock.
BACK_DATE_SECONDS = 5
MARGIN_SECONDS = 60.0
LIFE_SECONDS = 3600.0  # when the LMS names no `expires_in`
LIFE_SECONDS_MAX = 30 * 86400.0
MAX_BYTES = 64 * 1024
EXPLANATION_CHARACTERS = 200
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass
class _Entry:
    lock: threading.Lock = field(default_factory=threading.Lock)
    token: str | None = None
    scopes: tuple[str, ...] = ()  # what the token allows, as the LMS says
    ends_at: datetime | None = None
    ahead_seconds: float = 0.0  # our clock minus this platform's


class AccessTokens:
    """Cache of tokens by (platform, token URL, client id, scopes), shared by all threads.

    The client id is part of the key: hosted Canvas has one issuer for every school.
    """

    def __init__(
        self, outbound: Outbound, now: Callable[[], datetime], signing_key: Callable[[], SigningKey]
    ) -> None:
        self._outbound = outbound
        self._now = now
        self._signing_key = signing_key
        self._entries: dict[tuple[Any, ...], _Entry] = {}
        self._ahead: dict[int, float] = {}
        self._by_host: dict[tuple[int, str], str] = {}
        self._lock = threading.Lock()

    def get(
        self, platform: PlatformValues, scopes: Sequence[str], *, deadline_seconds: float = 20.0
    ) -> str:
        """Return a token for `scopes` that has not expired.

        Raises Unavailable when the LMS does not answer within `deadline_seconds`, and Refused when
        it refuses (`code` is its `error`, for example "invalid_client", and `explanation` its
        `error_description`: RFC 6749 section 5.2).
        """
        deadline = time.monotonic() + deadline_seconds
        entry = self._entry(platform, scopes)
        if not entry.lock.acquire(timeout=deadline_seconds):
            raise Unavailable("waited for an access token for too long")
        try:
            if entry.token is None or entry.ends_at is None or entry.ends_at <= self._now():
                self._ask(platform, scopes, entry, deadline)
            assert entry.token is not None
            return entry.token
        finally:
            entry.lock.release()

    def granted(self, platform: PlatformValues, scopes: Sequence[str]) -> tuple[str, ...]:
        """Return the scopes granted with the token for `scopes`; empty when there is none."""
        return self._entry(platform, scopes).scopes

    def for_service(self, platform: PlatformValues, url: str) -> PlatformValues:
        """Return the platform with the token URL that the service at `url` needs (`learn_host`)."""
        with self._lock:
            token_url = self._by_host.get((platform.id, origin(url) or ""))
        return platform if token_url is None else replace(platform, token_url=token_url)

    def learn_host(self, platform: PlatformValues, url: str, response: requests.Response) -> None:
        """Learn from a 401 that a service needs tokens from its own host.

        Canvas answers on several hosts of one school and names `aud` when the token was issued by
        another (https://canvas.instructure.com/doc/api/file.oauth_endpoints.html). The new token
        URL has the same path, on a host that verified launches came from: no other host gets an
        assertion.
        """
        host = origin(url)
        if response.status_code != 401 or b"aud" not in response.content.lower():
            return
        if host is None or host == origin(platform.token_url):
            return
        if host not in {origin(one) for one in platform.frame_origins}:
            return
        site = urlsplit(host)
        there = urlsplit(platform.token_url)._replace(scheme=site.scheme, netloc=site.netloc)
        with self._lock:
            self._by_host[platform.id, host] = urlunsplit(there)

    def ahead_seconds(self, platform: PlatformValues) -> float:
        """Return how many seconds our clock is ahead of the platform's, from its Date headers."""
        with self._lock:
            return self._ahead.get(platform.id, 0.0)

    def note_date(self, platform: PlatformValues, response: requests.Response) -> None:
        """Update the clock difference from a response's Date header."""
        ahead = _ahead_seconds(response, self._now())
        with self._lock:
            self._ahead[platform.id] = ahead

    def drop(self, platform: PlatformValues, scopes: Sequence[str]) -> None:
        """Drop a cached token that the LMS no longer accepts."""
        self._entry(platform, scopes).ends_at = None

    def _entry(self, platform: PlatformValues, scopes: Sequence[str]) -> _Entry:
        key = (platform.id, platform.token_url, platform.client_id, tuple(sorted(scopes)))
        with self._lock:
            return self._entries.setdefault(key, _Entry())

    def _ask(
        self, platform: PlatformValues, scopes: Sequence[str], entry: _Entry, deadline: float
    ) -> None:
        asked_at = self._now()
        response = self._post(platform, scopes, entry, deadline)
        self.note_date(platform, response)
        if 400 <= response.status_code < 500:
            ahead = _ahead_seconds(response, self._now())
            if ahead > entry.ahead_seconds:
                entry.ahead_seconds = ahead
                response = self._post(platform, scopes, entry, deadline)
        entry.token, life = _read_token(response)
        entry.scopes = _read_scopes(response, tuple(scopes))
        entry.ends_at = asked_at + timedelta(seconds=life - min(MARGIN_SECONDS, life / 2))

    def _post(
        self, platform: PlatformValues, scopes: Sequence[str], entry: _Entry, deadline: float
    ) -> requests.Response:
        left = deadline - time.monotonic()
        if left <= 0:
            raise Unavailable("no time is left to ask for an access token")
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._assertion(platform, entry.ahead_seconds),
            "scope": " ".join(scopes),
        }
        return self._outbound.send(
            "POST",
            platform.token_url,
            deadline_seconds=left,
            max_body_bytes=MAX_BYTES,
            data=form,
            headers={"Accept": "application/json"},
        )

    def _assertion(self, platform: PlatformValues, ahead_seconds: float) -> str:
        issued = int(self._now().timestamp() - BACK_DATE_SECONDS - ahead_seconds)
        claims = {
            "iss": platform.client_id,
            "sub": platform.client_id,
            "aud": platform.audience or platform.token_url,
            "iat": issued,
            "exp": issued + ASSERTION_SECONDS,
            "jti": secrets.token_urlsafe(24),
        }
        return encode_jwt(platform, claims, self._signing_key())


def _ahead_seconds(response: requests.Response, now: datetime) -> float:
    """Return by how many seconds our clock is ahead of the Date header, else 0."""
    try:
        theirs = parsedate_to_datetime(response.headers["Date"])
        ahead = (now - theirs).total_seconds()
    except (KeyError, ValueError, TypeError):
        return 0.0
    # The header has whole seconds and the request took time: smaller differences mean nothing.
    return ahead + 1 if ahead >= 2 else 0.0


def _read_token(response: requests.Response) -> tuple[str, float]:
    """Return the token and its lifetime in seconds; raises Unavailable or Refused."""
    body = _read_json(response)
    if response.status_code not in (200, 201):
        raise _failure(response, body)
    token = body.get("access_token")
    # It goes into a header: a line break would inject others.
    if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
        raise Unavailable("the LMS sent no access token")
    try:
        life = float(body.get("expires_in") or LIFE_SECONDS)
    except (TypeError, ValueError):
        life = LIFE_SECONDS
    return token, life if 0 < life < LIFE_SECONDS_MAX else LIFE_SECONDS


def _read_scopes(response: requests.Response, asked: tuple[str, ...]) -> tuple[str, ...]:
    """Return the granted scopes; Moodle leaves out those that it does not grant."""
    told = _read_json(response).get("scope")
    return tuple(told.split()) if isinstance(told, str) and told.strip() else asked


def _failure(response: requests.Response, body: dict[str, Any]) -> Refused | Unavailable:
    status = response.status_code
    if status >= 500 or is_throttled(response):
        wait = read_retry_after(response)
        text = f"the token endpoint answered {status}"
        return Unavailable(text, retry_after=wait, throttled=is_throttled(response))
    error = body.get("error")
    code = error if isinstance(error, str) and error.replace("_", "").isalpha() else ""
    said = body.get("error_description")
    return Refused(
        f"the LMS gives us no access token ({status} {code})",
        status=status,
        code=code,
        explanation=one_line(said)[:EXPLANATION_CHARACTERS] if isinstance(said, str) else "",
    )


def _read_json(response: requests.Response) -> dict[str, Any]:
    """Return the JSON object, {} for anything else: an error of Moodle is not valid JSON."""
    try:
        body = read_json(response)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
