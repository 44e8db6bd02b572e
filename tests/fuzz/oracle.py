"""Says, without any of the bridge's code, which launches LTI 1.3 and our contract let through."""

import base64
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.mini_platform import LTI

DL = "https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings"
LEEWAY, OLDEST = 60, 960


@dataclass(frozen=True)
class Expected:
    """What the login fixed."""

    issuer: str
    client_id: str
    nonce: str
    now: float


def may_pass(payload: Any, expected: Expected) -> bool:
    """Tell whether a correctly signed payload is a valid launch for this login."""
    return (
        isinstance(payload, dict)
        and payload.get("iss") == expected.issuer
        and payload.get("nonce") == expected.nonce
        and _audience(payload, expected.client_id)
        and _in_time(payload, expected.now)
        and _filled(payload.get("sub"))
        and payload.get(f"{LTI}version") == "1.3.0"
        and payload.get(f"{LTI}deployment_id") == "1"
        and _ours(payload.get(f"{LTI}target_link_uri"))
        and isinstance(payload.get(f"{LTI}roles"), list)
        and _message(payload)
    )


def same_token(one: str, two: str) -> bool:
    """Tell whether two spellings are the same signed token: base64 has spare bits at its end."""
    first, second = one.split("."), two.split(".")
    if len(first) != 3 or len(second) != 3 or first[:2] != second[:2]:
        return False
    try:
        return _decode(first[2]) == _decode(second[2])
    except ValueError:
        return False


# Membership roles: by short name, in full, and as LTI 1.1 wrote them.
MEMBERSHIPS = (
    "Learner",
    "http://purl.imsglobal.org/vocab/lis/v2/membership",
    "urn:lti:role:ims/lis/",
)


def may_learn(payload: Any) -> bool:
    """Tell whether the launching user can be a learner at all, and no test user."""
    roles = payload.get(f"{LTI}roles") if isinstance(payload, dict) else None
    texts = [role for role in roles if isinstance(role, str)] if isinstance(roles, list) else []
    if any(role.endswith("#TestUser") for role in texts):
        return False
    return any(role.startswith(MEMBERSHIPS) and "Learner" in role for role in texts)


def read_payload(token: str) -> Any:
    """Return a token's payload without looking at its signature, None when it has none."""
    try:
        return json.loads(_decode(token.split(".")[1]))
    except (ValueError, IndexError, RecursionError):
        return None


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.encode("ascii", "ignore") + b"==")


def _audience(payload: dict[str, Any], client_id: str) -> bool:
    audience, party = payload.get("aud"), payload.get("azp")
    audiences = [audience] if isinstance(audience, str) else audience
    if not isinstance(audiences, list) or client_id not in audiences:
        return False
    return party == client_id or (party is None and len(audiences) == 1)


def _in_time(payload: dict[str, Any], now: float) -> bool:
    expires, issued = payload.get("exp"), payload.get("iat")
    before = payload.get("nbf", issued)
    before = issued if before is None else before
    if not all(type(moment) in (int, float) for moment in (expires, issued, before)):
        return False
    ahead = now + LEEWAY
    return expires > now - LEEWAY and now - OLDEST <= issued <= ahead and before <= ahead


def _filled(value: Any) -> bool:
    return isinstance(value, str) and value.strip() != ""


def _ours(target: Any) -> bool:
    if not isinstance(target, str):
        return False
    try:
        parts = urlsplit(target)
        place = (parts.scheme, parts.hostname, parts.port or 80)
    except ValueError:
        return False
    return place == ("http", "bridge.example", 80)


def _message(payload: dict[str, Any]) -> bool:
    kind = payload.get(f"{LTI}message_type")
    if kind == "LtiDeepLinkingRequest":
        settings = payload.get(DL)
        return isinstance(settings, dict) and _filled(settings.get("deep_link_return_url"))
    if kind not in ("LtiResourceLinkRequest", "LtiSubmissionReviewRequest"):
        return False
    link = payload.get(f"{LTI}resource_link")
    return isinstance(link, dict) and (_filled(link.get("id")) or type(link.get("id")) is int)
