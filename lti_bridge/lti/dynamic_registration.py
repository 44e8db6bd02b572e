"""Dynamic registration: read an LMS's configuration, check it, register us there (LTI DR 1.0)."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

from ..core.errors import Refused, Unavailable
from ..core.http.session import Outbound
from ..core.plain_text import one_line
from .replies import origin, read_json

PLATFORM_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-platform-configuration"
TOOL_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-tool-configuration"
DEADLINE_SECONDS = 15.0
MAX_BYTES = 256 * 1024
LONGEST_ADDRESS = 500
EXPLANATION_CHARACTERS = 300
# (issuer_host, host): tells whether another host belongs to an issuer.
MayServe = Callable[[str, str], bool]


@dataclass(frozen=True)
class PlatformConfiguration:
    """An LMS's OpenID configuration, checked."""

    issuer: str
    authorization_url: str
    token_url: str
    jwks_url: str
    registration_url: str
    family: object  # product_family_code, unchecked
    audience: str | None = None


@dataclass(frozen=True)
class Registered:
    """What the LMS assigned us; a missing deployment id comes with the first launch."""

    client_id: str
    deployment_id: str | None


def fetch_configuration(
    outbound: Outbound, url: str, registration_token: str, may_serve: MayServe
) -> PlatformConfiguration:
    """Fetch and check an LMS's configuration.

    Canvas requires the registration token here too. `may_serve` tells which other hosts belong to
    the issuer. Raises Unavailable or Refused, whose `code` is "bad_configuration" or
    "foreign_host".
    """
    headers = {"Accept": "application/json"}
    if registration_token:
        headers["Authorization"] = f"Bearer {registration_token}"
    response = outbound.send(
        "GET", url, deadline_seconds=DEADLINE_SECONDS, max_body_bytes=MAX_BYTES, headers=headers
    )
    if response.status_code != 200:
        raise _failure(response, "the LMS does not show its configuration")
    return check_configuration(_read_object(response), url, may_serve)


def check_configuration(
    body: Mapping[str, Any], url: str, may_serve: MayServe
) -> PlatformConfiguration:
    """Return the configuration's values; raises Refused.

    Every address must be on a host of the issuer: otherwise any site could register under the name
    of another LMS.
    """
    found = {
        "issuer": body.get("issuer"),
        "authorization_url": body.get("authorization_endpoint"),
        "token_url": body.get("token_endpoint"),
        "jwks_url": body.get("jwks_uri"),
        "registration_url": body.get("registration_endpoint"),
    }
    for name, value in found.items():
        if not isinstance(value, str) or len(value) > LONGEST_ADDRESS or origin(value) is None:
            raise Refused(f"the LMS's configuration has no good {name}", code="bad_configuration")
    values = {name: str(value) for name, value in found.items()}
    for address in (url, *list(values.values())[1:]):
        if not belongs_to(address, values["issuer"], may_serve):
            text = f"{urlsplit(address).hostname} is not the host of {values['issuer']}"
            raise Refused(text, code="foreign_host")
    audience = body.get("authorization_server")
    if isinstance(audience, str) and len(audience) > LONGEST_ADDRESS:
        raise Refused("the LMS's authorization_server is too long", code="bad_configuration")
    return PlatformConfiguration(
        **values,
        family=_family(body),
        audience=audience if isinstance(audience, str) and audience else None,
    )


def belongs_to(address: str, issuer: str, may_serve: MayServe) -> bool:
    """Tell whether an address is on the issuer's host or on another host of the issuer."""
    host, home = urlsplit(address).hostname or "", urlsplit(issuer).hostname or ""
    if urlsplit(issuer).scheme == "https" and urlsplit(address).scheme != "https":
        return False
    if host == home:
        return True
    return may_serve(home, host)


def _family(body: Mapping[str, Any]) -> object:
    platform = body.get(PLATFORM_CONFIGURATION)
    return platform.get("product_family_code") if isinstance(platform, Mapping) else None


def register(
    outbound: Outbound,
    configuration: PlatformConfiguration,
    metadata: Mapping[str, Any],
    registration_token: str,
) -> Registered:
    """Register this tool and return the values that the LMS assigned.

    Raises Unavailable, or Refused with the LMS's error text in `explanation`.
    """
    headers = {"Accept": "application/json"}
    if registration_token:
        headers["Authorization"] = f"Bearer {registration_token}"
    response = outbound.send(
        "POST",
        configuration.registration_url,
        deadline_seconds=DEADLINE_SECONDS,
        max_body_bytes=MAX_BYTES,
        json=dict(metadata),
        headers=headers,
    )
    if response.status_code not in (200, 201):
        raise _failure(response, "the LMS refused the registration")
    body = _read_object(response)
    client_id = body.get("client_id")
    if not isinstance(client_id, str | int) or not str(client_id) or len(str(client_id)) > 255:
        raise Refused("the LMS gave us no client id", code="bad_configuration")
    return Registered(str(client_id), _deployment_id(body))


def _deployment_id(body: Mapping[str, Any]) -> str | None:
    tool = body.get(TOOL_CONFIGURATION)
    found = tool.get("deployment_id") if isinstance(tool, Mapping) else None
    if not isinstance(found, str | int) or isinstance(found, bool):
        return None
    return str(found) if 0 < len(str(found)) <= 255 else None


def _read_object(response: requests.Response) -> dict[str, Any]:
    try:
        body = read_json(response)
        text = json.dumps(body, ensure_ascii=False)
        text.encode()  # refuses unpaired surrogates, which no database stores
    except (ValueError, RecursionError) as error:
        raise Refused(
            "the LMS answered something that is not JSON", code="bad_configuration"
        ) from error
    if "\\u0000" in text:  # PostgreSQL stores no NUL
        raise Refused("the LMS answered with a zero byte", code="bad_configuration")
    if not isinstance(body, dict):
        raise Refused("the LMS answered something that is no object", code="bad_configuration")
    return body


def _failure(response: requests.Response, text: str) -> Refused | Unavailable:
    status = response.status_code
    if status >= 500 or status == 429:
        return Unavailable(f"{text} ({status})")
    kind = response.headers.get("Content-Type", "")
    words = "" if "html" in kind else response.content.decode("utf-8", "replace")
    words = one_line(words)[:EXPLANATION_CHARACTERS]
    return Refused(f"{text} ({status})", status=status, code="lms_refused", explanation=words)
