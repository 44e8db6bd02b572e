"""The values of a platform that an admin enters, and their validation."""

import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ..core.errors import ConfigurationError
from ..lms.registry import KEYS

PLAYERS = ("frame", "window")
# Activities without a gradebook column: scores wait for one, or the tool creates it.
LINE_ITEMS = ("wait", "create")
# Who besides the bridge's owners uploads new course versions: see Platform.replaces_courses.
NEW_VERSIONS = {"unshared": None, "always": True, "never": False}
LONGEST_NAME = 200


def new_versions_of(row: Any) -> str:
    """Return the key of NEW_VERSIONS that matches a platform's row."""
    return next(key for key, value in NEW_VERSIONS.items() if value is row.replaces_courses)


@dataclass(frozen=True)
class PlatformFacts:
    """The values of a platform that an admin enters.

    `player`: one of PLAYERS. `new_versions`: a key of NEW_VERSIONS. `line_items`: one of
    LINE_ITEMS. The identities are given only to restore a platform after a data loss.
    """

    name: str
    issuer: str
    client_id: str
    authorization_url: str
    token_url: str
    jwks_url: str
    dialect: str = "generic"
    audience: str | None = None
    account: str | None = None
    privacy: str | None = None
    player: str | None = None
    new_versions: str | None = None
    line_items: str | None = None
    identity: str | None = None
    deployment_identity: str | None = None


def check_facts(facts: PlatformFacts, deployment_id: str | None) -> None:
    """Raise ConfigurationError, naming the option, for an invalid value.

    `deployment_id` is None when the LMS has not sent one yet.
    """
    _check_address("--issuer", facts.issuer)
    _check_address("--auth-url", facts.authorization_url)
    _check_address("--token-url", facts.token_url)
    _check_address("--jwks-url", facts.jwks_url)
    if not facts.client_id or deployment_id == "":
        raise ConfigurationError("--client-id and --deployment-id must not be empty")
    if max(len(facts.client_id), len(deployment_id or "")) > 255 or len(facts.name) > LONGEST_NAME:
        raise ConfigurationError(f"ids have at most 255 characters, a name {LONGEST_NAME}")
    if facts.dialect not in KEYS:
        raise ConfigurationError(f"--dialect must be one of {', '.join(KEYS)}")
    for option, identity in (
        ("--identity", facts.identity),
        ("--deployment-identity", facts.deployment_identity),
    ):
        _check_identity(option, identity)


def _check_identity(option: str, identity: str | None) -> None:
    if not identity:
        return
    try:
        uuid.UUID(identity)
    except ValueError as error:
        raise ConfigurationError(
            f"{option} must be the UUID that `platform show` prints"
        ) from error


def is_address(url: str) -> bool:
    """Tell whether a text is an http(s) URL of at most 500 characters."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and len(url) <= 500
    except ValueError:
        return False


def _check_address(option: str, url: str) -> None:
    if not is_address(url):
        raise ConfigurationError(f"{option} must be an http(s) address, at most 500 characters")
