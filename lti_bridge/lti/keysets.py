"""Platforms' public keys, cached by address."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from ..core.errors import BridgeError, Unavailable
from ..core.http.session import Outbound
from .paging import seconds_left
from .replies import read_json, read_redirect

DEADLINE_SECONDS = 5.0
MAX_BYTES = 512 * 1024
MOST_KEYS = 100
SHORTEST_KEY_BITS = 2048  # RFC 7518 section 3.3
# An unknown kid may be a rotated key or forged: at most one fetch per interval.
REFETCH_AFTER = timedelta(seconds=10)
STALE_AT_MOST = timedelta(hours=24)
# A host that hangs costs all waiting threads one deadline together, not one each.
FAILURE_SHARED = timedelta(seconds=5)


@dataclass(frozen=True)
class FetchedKeys:
    """The usable keys of a set by kid, and the Date header of the answer."""

    keys: Mapping[str, Any]
    date: str


@dataclass
class _KeySet:
    keys: Mapping[str, Any]
    fetched_at: datetime
    tried_at: datetime


class KeySets:
    """Fetches key sets; one fetch at a time for each address.

    A key set is used for `cache_seconds`, refetched when it lacks a kid, and kept for up to a day
    when the platform does not answer. A failure is shared by all callers that wait for the set or
    come within a few seconds.
    """

    def __init__(
        self, outbound: Outbound, now: Callable[[], datetime], *, cache_seconds: float = 3600.0
    ) -> None:
        self._outbound = outbound
        self._now = now
        self._life = timedelta(seconds=cache_seconds)
        self._sets: dict[str, _KeySet] = {}
        self._failed_at: dict[str, datetime] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def find_key(self, url: str, kid: str) -> Any | None:
        """Return the RSA public key `kid` of the set at `url`, or None when the set lacks it.

        Raises Unavailable when the set cannot be fetched.
        """
        known = self._sets.get(url)
        if known is not None and kid in known.keys and self._is_fresh(known):
            return known.keys[kid]
        with self._lock_for(url):
            return self._refresh(url, kid).keys.get(kid)

    def _is_fresh(self, known: _KeySet) -> bool:
        return self._now() - known.fetched_at < self._life

    def _lock_for(self, url: str) -> threading.Lock:
        with self._lock:
            return self._locks.setdefault(url, threading.Lock())

    def _refresh(self, url: str, kid: str) -> _KeySet:
        known, now = self._sets.get(url), self._now()
        if known is not None:
            wanted = kid not in known.keys or not self._is_fresh(known)
            if not wanted or now - known.tried_at < REFETCH_AFTER:
                return known
        elif now - self._failed_at.get(url, datetime.min.replace(tzinfo=UTC)) < FAILURE_SHARED:
            raise Unavailable("the LMS's key set could not be had a moment ago")
        try:
            fetched = _KeySet(fetch_keys(self._outbound, url).keys, now, now)
        except BridgeError as error:
            return self._fail(url, error)
        self._sets[url] = fetched
        return fetched

    def _fail(self, url: str, error: BridgeError) -> _KeySet:
        """Return the cached set in spite of a failed fetch; raises Unavailable without one.

        The retry interval starts at the end of the fetch, not at its start.
        """
        known, now = self._sets.get(url), self._now()
        if known is None or now - known.fetched_at > STALE_AT_MOST:
            self._sets.pop(url, None)
            self._failed_at[url] = now
            raise Unavailable("the LMS's key set cannot be had") from error
        known.tried_at = now
        return known


def fetch_keys(outbound: Outbound, url: str) -> FetchedKeys:
    """Fetch a key set, following one redirect on the same host.

    Raises Unavailable, or Refused when the address is not allowed.
    """
    answer = _get(outbound, url)
    if answer.status_code != 200:
        raise Unavailable(f"no keys there (answer {answer.status_code})")
    try:
        keys = dict(_usable(read_json(answer)))
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise Unavailable("the platform's key set is not a key set") from error
    return FetchedKeys(keys, answer.headers.get("Date", ""))


def _get(outbound: Outbound, url: str) -> requests.Response:
    """GET a key set; a redirect is common where an LMS has moved from http to https."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    answer = _get_once(outbound, url, deadline)
    target = read_redirect(answer, url)
    return answer if target is None else _get_once(outbound, target, deadline)


def _get_once(outbound: Outbound, url: str, deadline: float) -> requests.Response:
    return outbound.send(
        "GET",
        url,
        deadline_seconds=seconds_left(deadline),
        max_body_bytes=MAX_BYTES,
        headers={"Accept": "application/json"},
    )


def _usable(body: Any) -> list[tuple[str, Any]]:
    """Return the RSA signing keys of a set and ignore the others."""
    entries = body["keys"]
    if not isinstance(entries, list) or len(entries) > MOST_KEYS:
        raise ValueError("not a list of keys of a sensible length")
    found = []
    for jwk in entries:
        if jwk.get("kty") != "RSA" or not isinstance(jwk.get("kid"), str):
            continue
        if jwk.get("use", "sig") != "sig" or jwk.get("alg", "RS256") != "RS256":
            continue
        try:
            key = PyJWK(jwk, algorithm="RS256").key
        except (PyJWTError, ValueError, TypeError):
            continue
        if key.key_size >= SHORTEST_KEY_BITS:
            found.append((jwk["kid"], key))
    return found
