"""Console sessions, stored in rows so that signing out, disabling or revoking works at once."""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import joinedload

from ...audit.actor import Actor, Role, Scope
from ...core.config import ConsoleSettings
from ...core.db import db, reading
from ...people.models import ConsoleAccount, ConsoleGrant, ConsoleSession

RENEWED_AFTER = timedelta(minutes=1)


def start_session(
    settings: ConsoleSettings,
    now: datetime,
    *,
    account: ConsoleAccount | None = None,
    grant: ConsoleGrant | None = None,
) -> str:
    """Create a session in the caller's transaction and return its token, stored as a hash."""
    token = secrets.token_urlsafe(32)
    db.session.execute(delete(ConsoleSession).where(ConsoleSession.expires_at < now))
    db.session.add(
        ConsoleSession(
            token_hash=_hash(token),
            account_id=account.id if account is not None else None,
            grant_id=grant.id if grant is not None else None,
            created_at=now,
            seen_at=now,
            expires_at=now + timedelta(hours=settings.session_hours),
        )
    )
    return token


def find_actor(settings: ConsoleSettings, token: str, now: datetime) -> Actor | None:
    """Return the user of a session token; None when the session has ended. Commits."""
    with reading():
        row = db.session.scalars(
            select(ConsoleSession).where(ConsoleSession.token_hash == _hash(token))
        ).one_or_none()
        if row is None or not _is_open(settings, row, now):
            return None
        actor = _account_actor(row) if row.account_id is not None else _grant_actor(row)
    if actor is not None and now - row.seen_at > RENEWED_AFTER:
        same = ConsoleSession.id == row.id, ConsoleSession.seen_at < now
        db.session.execute(update(ConsoleSession).where(*same).values(seen_at=now))
        db.session.commit()
    return actor


def _is_open(settings: ConsoleSettings, row: ConsoleSession, now: datetime) -> bool:
    return now < min(row.expires_at, row.seen_at + timedelta(minutes=settings.idle_minutes))


def _account_actor(row: ConsoleSession) -> Actor | None:
    account = db.session.get(ConsoleAccount, row.account_id)
    if account is None or account.disabled_at is not None:
        return None
    return Actor(Role.OWNER, account.name, row.id, Scope(), account_id=account.id)


def _grant_actor(row: ConsoleSession) -> Actor | None:
    query = select(ConsoleGrant).options(joinedload(ConsoleGrant.platform))
    grant = db.session.scalars(query.where(ConsoleGrant.id == row.grant_id)).one_or_none()
    if grant is None or grant.granted_at is None or grant.platform.disabled_at is not None:
        return None
    deployment_id = None if grant.whole_platform else grant.deployment_id
    if deployment_id is None and not grant.whole_platform:
        return None
    name = f"admin {grant.sub} of {grant.platform.name}"
    scope = Scope(grant.platform_id, deployment_id)
    return Actor(Role.PLATFORM_ADMIN, name, row.id, scope, sub=grant.sub)


def end_session(session_id: int) -> None:
    """End one session. Commits."""
    db.session.execute(delete(ConsoleSession).where(ConsoleSession.id == session_id))
    db.session.commit()


def end_sessions_of(account_id: int, *, but: int | None = None) -> None:
    """End all sessions of an account except the token `but`, in the caller's transaction."""
    theirs = delete(ConsoleSession).where(ConsoleSession.account_id == account_id)
    if but is not None:
        theirs = theirs.where(ConsoleSession.id != but)
    db.session.execute(theirs)


def end_sessions_of_grant(grant_id: int) -> None:
    """End all sessions of an LMS admin, in the caller's transaction."""
    db.session.execute(delete(ConsoleSession).where(ConsoleSession.grant_id == grant_id))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
