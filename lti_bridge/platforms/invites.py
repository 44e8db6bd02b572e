"""Single-use invites, which permit an LMS's dynamic registration."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from ..core.db import db
from ..core.errors import Refused
from ..core.leases import Leases
from .models import Invite, Platform

LIFE = timedelta(days=7)
# Longer than a registration's two calls; after a crash the invite is free when this has passed.
CLAIM = timedelta(seconds=60)
_INVITE = Invite.__table__
LEASES = Leases(_INVITE, _INVITE.c.used_at.is_(None), token="claim_token", until="claimed_until")


@dataclass(frozen=True)
class OpenInvite:
    """A valid invite.

    `name` is the LMS's name, `platform_id` the platform that it may change, `dialect` the kind of
    LMS, which overrides what the LMS says of itself.
    """

    id: int
    name: str
    platform_id: int | None
    dialect: str | None


@dataclass(frozen=True)
class InviteLease:
    """A short lease on an invite for one registration."""

    invite: OpenInvite
    token: str


def make_invite(
    name: str, platform: Platform | None, *, now: datetime, dialect: str | None = None
) -> str:
    """Create an invite and return its token; only the token's hash is stored. Commits."""
    token = secrets.token_urlsafe(32)
    db.session.add(
        Invite(
            token_hash=_hash(token),
            name=name,
            platform_id=platform.id if platform is not None else None,
            dialect=dialect,
            created_at=now,
            expires_at=now + LIFE,
        )
    )
    db.session.commit()
    return token


def read_invite(token: str, *, now: datetime) -> OpenInvite:
    """Return a valid invite without using it.

    Leaves the transaction open. Raises Refused "bad_invite", "used_invite" or "old_invite".
    """
    query = select(Invite).where(Invite.token_hash == _hash(token))
    row = db.session.scalars(query).one_or_none()
    if row is None:
        raise Refused("this never was an invite", code="bad_invite")
    if row.used_at is not None:
        raise Refused("this invite was used", code="used_invite")
    if row.expires_at <= now:
        raise Refused("this invite has expired", code="old_invite")
    return OpenInvite(row.id, row.name, row.platform_id, row.dialect)


def take_invite(invite: OpenInvite, *, now: datetime) -> InviteLease:
    """Lease an invite for a registration, so that it runs only once at a time. Commits.

    Raises Refused "busy_invite" when another registration holds the lease.
    """
    lease = LEASES.take(invite.id, now, CLAIM)
    db.session.commit()
    if lease is None:
        raise Refused("somebody registers with this invite right now", code="busy_invite")
    return InviteLease(invite, lease.token)


def use_invite(lease: InviteLease, *, now: datetime) -> None:
    """Mark an invite as used, in the caller's transaction with the rows it created.

    The lease is not released: a used invite is never free again. Raises Refused "busy_invite" when
    the lease expired and another registration took it.
    """
    if not LEASES.write(lease.invite.id, lease.token, {"used_at": now}, used_at=None):
        raise Refused("this claim of the invite ran out", code="busy_invite")


def give_back(lease: InviteLease) -> None:
    """Roll back and free the invite after a failed registration. Commits."""
    db.session.rollback()
    LEASES.release(lease.invite.id, lease.token)
    db.session.commit()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
