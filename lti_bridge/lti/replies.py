"""Parts that any LMS reply may have: JSON, Retry-After, throttling, next pages, redirects."""

import html
import json
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

import requests

# Narrow on purpose: origins go into a response header, where a wrong character is harmful.
_HOST = re.compile(r"[a-z0-9._\-]+|[0-9a-f:.]+")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_REDIRECTS = (301, 302, 303, 307, 308)
# Headers are read as Latin-1, where a typographic quote is three characters, one of them â.
_NEXT_LINK = re.compile(
    r"<([^<>]+)>\s*;[^,<]*?\brel\s*=\s*[^a-z;,<]{0,8}next(?![a-z-])", re.IGNORECASE
)


def read_json(response: requests.Response) -> Any:
    """Return the JSON content of a reply; raises ValueError when it is not JSON.

    The content type is ignored (Moodle labels tokens text/html). Reading bytes allows a byte order
    mark, which some Windows servers send.
    """
    try:
        return json.loads(response.content)
    except RecursionError as error:
        raise ValueError("the JSON is nested too deeply") from error


def read_retry_after(response: requests.Response) -> float | None:
    """Return Retry-After in seconds; a date is compared with the reply's Date header."""
    value = response.headers.get("Retry-After", "").strip()
    if not value:
        return None
    if value.isdecimal():
        return float(value)
    then, now = _date(value), _date(response.headers.get("Date", ""))
    if then is None or now is None:
        return None
    return max(0.0, (then - now).total_seconds())


def read_rate_limit_remaining(response: requests.Response) -> float | None:
    """Return X-Rate-Limit-Remaining (Canvas), None when it is not a number."""
    try:
        return float(response.headers["X-Rate-Limit-Remaining"])
    except (KeyError, ValueError):
        return None


def is_throttled(response: requests.Response) -> bool:
    """Tell whether a reply is a rate limit: 429, or Canvas's 403 with that text."""
    if response.status_code == 403:
        return b"rate limit" in response.content.lower()
    return response.status_code == 429


def next_page(response: requests.Response, url: str) -> str | None:
    """Return the URL of the next page (on any host), or None on the last page.

    Moodle writes typographic quotes around `next`, and `&amp;` in the URL.
    """
    header = response.headers.get("Link", "")
    found = _NEXT_LINK.search(header)
    if found is None:
        return None
    target = html.unescape(found.group(1)).strip()
    try:
        return urljoin(url, target)
    except ValueError:  # an invalid URL, so this is not known to be the last page
        return target


def read_redirect(response: requests.Response, url: str) -> str | None:
    """Return the target of a redirect from `url` on the same host, without user info.

    None for no redirect, and for one to another host or port, or from https to http.
    """
    location = response.headers.get("Location", "").strip()
    if response.status_code not in _REDIRECTS or not location:
        return None
    try:
        old, new = urlsplit(url), urlsplit(urljoin(url, location))
        same = _is_same_host(old, new)
    except ValueError:
        return None
    netloc = new.netloc.rpartition("@")[2]
    return urlunsplit(new._replace(netloc=netloc, fragment="")) if same else None


def _is_same_host(old: SplitResult, new: SplitResult) -> bool:
    """Tell whether a redirect stays on one host: same port, or from http to https's port."""
    if new.scheme not in _DEFAULT_PORTS or not old.hostname or new.hostname != old.hostname:
        return False
    ports = [parts.port or _DEFAULT_PORTS[parts.scheme] for parts in (old, new)]
    if new.scheme == old.scheme:
        return ports[0] == ports[1]
    return new.scheme == "https" and ports[1] in (ports[0], _DEFAULT_PORTS["https"])


def origin(url: str) -> str | None:
    """Return scheme://host[:port] in lower case without a default port, None if it has none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    host = parts.hostname or ""
    if parts.scheme not in _DEFAULT_PORTS or not _HOST.fullmatch(host):
        return None
    host = f"[{host}]" if ":" in host else host
    shown = "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{host}{shown}"


def _date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
