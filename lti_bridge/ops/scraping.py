"""Access to /metrics: with the token or, where none is set, from this machine only."""

import ipaddress
from hmac import compare_digest
from http import HTTPStatus
from urllib.parse import urlsplit

from werkzeug.wrappers import Request

# Behind a reverse proxy on this machine every client looks local; proxies add one of these.
FORWARDED = (
    "Forwarded",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Real-IP",
)
WRONG_TOKEN = "The token is missing or wrong: send `Authorization: Bearer <ops.metrics_token>`.\n"
NOT_LOCAL = (
    "Metrics are told to this machine alone: ask http://127.0.0.1 directly, or set "
    "ops.metrics_token and send it as `Authorization: Bearer <token>`.\n"
)


def decide_refusal(token: str, asking: Request) -> tuple[str, HTTPStatus] | None:
    """Return why a request for the metrics is refused; None when it is allowed."""
    if token:
        return None if _bears(token, asking) else (WRONG_TOKEN, HTTPStatus.UNAUTHORIZED)
    direct = not any(name in asking.headers for name in FORWARDED)
    local = _is_loopback(asking.remote_addr) and _names_loopback(asking.host)
    return None if direct and local else (NOT_LOCAL, HTTPStatus.FORBIDDEN)


def _bears(token: str, asking: Request) -> bool:
    kind, _, shown = asking.headers.get("Authorization", "").partition(" ")
    return kind.lower() == "bearer" and compare_digest(shown.strip().encode(), token.encode())


def _names_loopback(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    return name == "localhost" or _is_loopback(name)


def _is_loopback(address: str | None) -> bool:
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback
