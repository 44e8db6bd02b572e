"""Invites: who may connect an LMS by dynamic registration, once."""

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
# Longer than the two calls of a registration; a process that is killed gives the invite back so.
CLAIM = timedelta(seconds=60)
_INVITE = Invite.__table__
LEASES = Leases(_INVITE, _INVITE.c.used_at.is_(None), token="claim_token", until="claimed_until")


@dataclass(frozen=True)
class OpenInvite:
    """An invite that is still good.

    `name` is what people call the LMS, `platform_id` the platform that it may change, `dialect`
    what it takes the LMS for, whatever that says of itself.
    """

    id: int
    name: str
    platform_id: int | None
    dialect: str | None


@dataclass(frozen=True)
class InviteLease:
    """The right to register with an invite, for a minute."""

    invite: OpenInvite
    token: str


def make_invite(
    name: str, platform: Platform | None, *, now: datetime, dialect: str | None = None
) -> str:
    """Return a new invite's token; only its hash is kept. Commits."""
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
    """Return an invite that may be used; looking does not use it.

    Raises Refused "bad_invite", "used_invite" or "old_invite". The transaction stays the
    caller's.
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
    """Keep others from using an invite while the LMS is asked. Commits.

    Of two at the same moment one gets it; raises Refused "busy_invite".
    """
    lease = LEASES.take(invite.id, now, CLAIM)
    db.session.commit()
    if lease is None:
        raise Refused("somebody registers with this invite right now", code="busy_invite")
    return InviteLease(invite, lease.token)


def use_invite(lease: InviteLease, *, now: datetime) -> None:
    """Use an invite up in the caller's transaction, the one that keeps what it brought.

    The lease stays: an invite that was used is never free again. Raises Refused "busy_invite" when
    the lease ran out and somebody else took it.
    """
    if not LEASES.write(lease.invite.id, lease.token, {"used_at": now}, used_at=None):
        raise Refused("this claim of the invite ran out", code="busy_invite")


def give_back(lease: InviteLease) -> None:
    """Make an invite good again after a registration that came to nothing. Commits."""
    db.session.rollback()
    LEASES.release(lease.invite.id, lease.token)
    db.session.commit()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
