"""Names and Role Provisioning Services: who is in a context (LTI NRPS 2.0)."""

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import requests

from ..core.errors import Unavailable
from ..core.http.session import Outbound
from ..core.plain_text import one_line
from .paging import ServiceReader
from .replies import read_json
from .tokens import AccessTokens
from .values import PlatformValues

SCOPE_MEMBERSHIPS = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
MEMBERS_TYPE = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
LONGEST_NAME = 255
KEPT_SECONDS = 120.0
MOST_KEPT = 100


@dataclass(frozen=True)
class Member:
    """One member of a context; `name` is None when the LMS does not share names."""

    sub: str
    roles: tuple[str, ...]
    name: str | None = None
    active: bool = True


class Memberships:
    """Reads rosters and keeps each for two minutes, in this process's memory only.

    A context of 1,000 users has 20 pages in Canvas; paging through our list must not fetch them
    again at each step.
    """

    def __init__(self, outbound: Outbound, tokens: AccessTokens) -> None:
        self._reader = ServiceReader(outbound, tokens)
        self._kept: dict[tuple[int, str], tuple[float, list[Member]]] = {}
        self._lock = threading.Lock()

    def read_roster(
        self, platform: PlatformValues, memberships_url: str, *, deadline_seconds: float
    ) -> list[Member]:
        """Return all members of the context, from all pages.

        Raises Unavailable, Refused (also when the admin has not granted the scope) or NotFound.
        """
        key = (platform.id, memberships_url)
        kept = self._find(key)
        if kept is None:
            kept = self._read(platform, memberships_url, deadline_seconds)
            self._keep(key, kept)
        return list(kept)

    def _find(self, key: tuple[int, str]) -> list[Member] | None:
        with self._lock:
            until, members = self._kept.get(key, (0.0, []))
        return members if time.monotonic() < until else None

    def _keep(self, key: tuple[int, str], members: list[Member]) -> None:
        now = time.monotonic()
        with self._lock:
            fresh = {k: one for k, one in self._kept.items() if now < one[0]}
            if len(fresh) >= MOST_KEPT:
                del fresh[min(fresh, key=lambda k: fresh[k][0])]
            self._kept = {**fresh, key: (now + KEPT_SECONDS, members)}

    def _read(
        self, platform: PlatformValues, memberships_url: str, deadline_seconds: float
    ) -> list[Member]:
        pages = self._reader.pages(
            platform,
            memberships_url,
            MEMBERS_TYPE,
            scopes=(SCOPE_MEMBERSHIPS,),
            deadline_seconds=deadline_seconds,
        )
        found = (_parse_member(entry) for page in pages for entry in _read_members(page))
        return [member for member in found if member is not None]


def _read_members(response: requests.Response) -> list[Any]:
    try:
        body = read_json(response)
        # JSON may contain unpaired surrogates, which no page can show.
        body = json.loads(json.dumps(body, ensure_ascii=False).encode(errors="replace"))
    except (ValueError, RecursionError) as error:
        raise Unavailable("the LMS answered something that is not JSON") from error
    members = body.get("members") if isinstance(body, dict) else None
    if not isinstance(members, list):
        raise Unavailable("the LMS answered something that is not a roster")
    return members


def _parse_member(entry: Any) -> Member | None:
    """Return one member, None for an entry without a user id."""
    if not isinstance(entry, dict):
        return None
    sub = entry.get("user_id")
    if isinstance(sub, bool) or not isinstance(sub, str | int) or sub == "":
        return None
    roles = entry.get("roles")
    return Member(
        sub=str(sub),
        roles=tuple(r for r in roles if isinstance(r, str)) if isinstance(roles, list) else (),
        name=_name(entry),
        active=str(entry.get("status") or "Active").lower() == "active",
    )


def _name(entry: dict[str, Any]) -> str | None:
    parts: Sequence[Any] = (entry.get("given_name"), entry.get("family_name"))
    name = entry.get("name") or " ".join(str(part) for part in parts if part)
    text = one_line(name) if isinstance(name, str) else ""
    return text[:LONGEST_NAME] or None
