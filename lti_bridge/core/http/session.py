"""The session of all outbound HTTP: pooled, with an address check, deadlines, bounded bodies."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError, NewConnectionError

from ... import __version__
from ..errors import BridgeError, Refused, Unavailable
from .address_guard import Deadline, OutboundAdapter, PrivateAddress

# Canvas answers 403 without one (in production since 2026-01), and so do some Moodle sites.
USER_AGENT = f"LTI-Bridge/{__version__}"
MAX_BODY_BYTES = 8 * 1024 * 1024
CONNECT_SECONDS = 5.0


class Outbound:
    """Sends every request of the bridge.

    It never follows redirects (they would receive the bearer token), stores no cookies, and ignores
    proxy and netrc settings of the environment.
    """

    def __init__(self, *, allow_private_networks: bool = False, pool_size: int = 32) -> None:
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["User-Agent"] = USER_AGENT
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, OutboundAdapter(allow_private_networks, pool_size))

    def send(
        self,
        method: str,
        url: str,
        *,
        deadline_seconds: float,
        max_body_bytes: int = MAX_BODY_BYTES,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> requests.Response:
        """Send one request and return the whole response, whatever its status.

        `options` go to requests (json, data, params, files, auth). Raises Unavailable when no
        answer came within `deadline_seconds` of wall-clock time (`effect_unknown` tells whether the
        request may have been carried out) and Refused when the address is not allowed or the body
        exceeds `max_body_bytes`.
        """
        timeout = (min(CONNECT_SECONDS, deadline_seconds), deadline_seconds)
        known = {**self._session.headers, **(headers or {})}
        try:
            with Deadline(deadline_seconds) as deadline:
                # Not Session.request, which would keep cookies and follow redirects.
                prepared = requests.Request(method, url, headers=known, **options).prepare()
                adapter = self._session.get_adapter(str(prepared.url))
                with adapter.send(prepared, stream=True, timeout=timeout) as response:
                    body = _read_body(response, deadline, max_body_bytes)
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            raise translate(error, url) from error
        response._content = body
        return response

    def close(self) -> None:
        """Close every pooled connection."""
        self._session.close()


def _read_body(response: requests.Response, deadline: Deadline, max_bytes: int) -> bytes:
    body = bytearray()
    while chunk := response.raw.read1(65536, decode_content=True):
        body += chunk
        if len(body) > max_bytes:
            raise requests.exceptions.ContentDecodingError("the answer is too large")
    if deadline.passed:  # the end of the body may be our own cut
        raise requests.ReadTimeout("the answer took too long")
    return bytes(body)


# Errors before anything was sent, so that a retry is safe.
_NOT_SENT = (requests.ConnectTimeout, requests.exceptions.ProxyError, requests.exceptions.SSLError)
_NEVER_WORKS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidHeader,
    requests.exceptions.InvalidProxyURL,
    requests.exceptions.InvalidJSONError,
    requests.exceptions.URLRequired,
    requests.exceptions.TooManyRedirects,
    requests.exceptions.ContentDecodingError,
    requests.exceptions.UnrewindableBodyError,
    PrivateAddress,
)


def translate(error: Exception, url: str) -> BridgeError:
    """Return the BridgeError for an error of requests or urllib3; it names the host only."""
    host = _host(url)
    if (private := _find(error, PrivateAddress)) is not None:
        return Refused(f"{private}; set launch.allow_private_networks to allow it")
    if isinstance(error, _NEVER_WORKS) or (
        isinstance(error, ValueError) and not isinstance(error, requests.RequestException)
    ):
        return Refused(f"the request to {host} cannot be made: {type(error).__name__}")
    sent = not isinstance(error, _NOT_SENT) and _find(error, NewConnectionError) is None
    return Unavailable(f"{host} did not answer: {type(error).__name__}", effect_unknown=sent)


def _find(error: BaseException | None, kind: type[BaseException]) -> BaseException | None:
    """Find `kind` among an error's causes, contexts and arguments (urllib3 nests its errors)."""
    seen: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting:
        current = waiting.pop()
        if not isinstance(current, BaseException) or current in seen:
            continue
        if isinstance(current, kind):
            return current
        seen.append(current)
        waiting += [current.__cause__, current.__context__, getattr(current, "reason", None)]
        waiting += current.args
    return None


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "the address"
    except ValueError:
        return "the address"
