"""Refused launches for people to read; one of them by the reference on its page."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, String, cast, select

from ..audit.actor import Scope
from ..core.db import db
from ..core.errors import Reason
from ..platforms.models import Deployment, Platform
from ..web.rejections import Rejection, get_rejection
from .models import RefusedLaunch

SHOWN_AT_MOST = 100


@dataclass(frozen=True)
class Refusal:
    """Launches refused for one reason: what the LMS sent, how often, and the remedy.

    `near_miss` names a platform with similar values, where none matches.
    """

    row: RefusedLaunch
    words: Rejection
    platform_id: int | None = None
    near_miss: str = ""

    @property
    def can_connect(self) -> bool:
        """True when the LMS is not connected."""
        return self.row.code == Reason.UNKNOWN_PLATFORM and bool(self.row.issuer)


def find_refusals(scope: Scope, reference: str = "") -> list[Refusal]:
    """Return the refusals in a user's scope, newest first; with a reference, only that one.

    Reads in the caller's transaction.
    """
    query = known_refusals().order_by(RefusedLaunch.last_at.desc(), RefusedLaunch.id)
    if reference:
        quoted = f'%"{_escape(reference)}"%'
        query = query.where(cast(RefusedLaunch.page_references, String).like(quoted, escape="\\"))
    platforms = list(db.session.scalars(select(Platform)))
    rows = db.session.scalars(query.limit(SHOWN_AT_MOST))
    deployment = _deployment_id(scope)
    mine = (row for row in rows if _is_seen(scope, deployment, row, platforms))
    return [_refusal(row, platforms) for row in mine]


def known_refusals() -> Select[RefusedLaunch]:
    """Return the query for refused launches, but for reasons that only a newer release knows."""
    return select(RefusedLaunch).where(RefusedLaunch.code.in_(list(Reason)))


def _escape(text: str) -> str:
    for sign in ("\\", "%", "_"):
        text = text.replace(sign, "\\" + sign)
    return text


def _deployment_id(scope: Scope) -> str | None:
    if scope.deployment_id is None:
        return None
    return db.session.scalar(
        select(Deployment.deployment_id).where(Deployment.id == scope.deployment_id)
    )


def _is_seen(
    scope: Scope, deployment: str | None, row: RefusedLaunch, platforms: Sequence[Platform]
) -> bool:
    if scope.platform_id is None:
        return True
    platform = platform_of(row, platforms)
    mine = platform is not None and platform.id == scope.platform_id
    return mine and (deployment is None or row.deployment_id == deployment)


def platform_of(row: RefusedLaunch, platforms: Sequence[Platform]) -> Platform | None:
    """Return the platform that a refused launch came from; None when unknown."""
    pair = row.issuer, row.client_id
    return next((one for one in platforms if (one.issuer, one.client_id) == pair), None)


def _refusal(row: RefusedLaunch, platforms: Sequence[Platform]) -> Refusal:
    platform = platform_of(row, platforms)
    return Refusal(
        row,
        get_rejection(row.code),
        platform_id=platform.id if platform is not None else None,
        near_miss=near_miss(row, platforms) if row.code == Reason.UNKNOWN_PLATFORM else "",
    )


def near_miss(row: RefusedLaunch, platforms: Sequence[Platform]) -> str:
    """Describe a platform that has the issuer with another client id, or the reverse."""
    for one in platforms:
        if one.issuer == row.issuer and row.client_id:
            return f"{one.name} has client id {one.client_id}; it sent {row.client_id}."
        if one.client_id == row.client_id and row.client_id:
            return f"{one.name} has issuer {one.issuer}; it sent {row.issuer}."
        if one.issuer.rstrip("/").casefold() == row.issuer.rstrip("/").casefold():
            return f"{one.name} has issuer {one.issuer}; it sent {row.issuer}."
    return ""
