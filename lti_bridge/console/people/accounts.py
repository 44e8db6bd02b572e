"""Console accounts: created by one-time links, signed in by password, disabled, never deleted."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update

from ...audit.actor import Actor
from ...audit.log import OPERATOR, record
from ...core.config import ConsoleSettings
from ...core.db import affected, db, reading
from ...core.errors import ConfigurationError, Refused
from ...core.plain_text import counted
from ...people.models import ConsoleAccount, ConsoleInvite
from ...services import Services
from ..sign_in import throttle
from ..sign_in.passwords import check_password, hash_password, is_outdated, matches
from ..sign_in.sessions import end_sessions_of, start_session

LIFE = timedelta(hours=24)
FIRST, OWNER, PASSWORD = "first", "owner", "password"
NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{1,99}")


@dataclass(frozen=True)
class Welcome:
    """A valid one-time link; `name` is set when it is for a new password."""

    kind: str
    name: str | None


def needs_first_account() -> bool:
    """Tell whether there is no account yet. Reads in the caller's transaction."""
    return db.session.scalar(select(func.count(ConsoleAccount.id))) == 0


def make_invite(
    kind: str, *, now: datetime, by: Actor | str = OPERATOR, account: ConsoleAccount | None = None
) -> str:
    """Return the token of a one-time link, valid for a day; only its hash is stored. Commits."""
    token = secrets.token_urlsafe(32)
    account_id = account.id if account is not None else None
    values = {"token_hash": _hash(token), "kind": kind, "account_id": account_id}
    db.session.add(ConsoleInvite(**values, created_at=now, expires_at=now + LIFE))
    if kind != FIRST:
        whom = account.name if account is not None else "a new owner"
        record(by, "invite", f"console account {whom}", f"made a one-time link for {whom}", now=now)
    db.session.commit()
    return token


def welcome_address(services: Services, token: str) -> str:
    """Return the URL of a one-time link."""
    return f"{services.settings.public_url}/console/welcome?invite={token}"


def read_invite(token: str, *, now: datetime) -> Welcome:
    """Return a one-time link's purpose without using it. Raises Refused."""
    with reading():
        row = _find_invite(token, now)
        name = db.session.get_one(ConsoleAccount, row.account_id).name if row.account_id else None
    return Welcome(row.kind, name)


def accept_invite(
    settings: ConsoleSettings, token: str, name: str, password: str, *, now: datetime
) -> str:
    """Create the account, or set its new password, and return a session token. Commits.

    Raises Refused for an invalid link, ConfigurationError for an invalid name or password.
    """
    row = _find_invite(token, now)
    db.session.commit()
    name = name.strip().lower()
    if row.account_id is None and not NAME.fullmatch(name):
        raise ConfigurationError(
            "a name has 2 to 100 letters, digits or . _ @ + -, such as an email address"
        )
    check_password(password, name)
    hashed = hash_password(password)
    free = ConsoleInvite.id == row.id, ConsoleInvite.used_at.is_(None)
    used = db.session.execute(update(ConsoleInvite).where(*free).values(used_at=now))
    if affected(used) != 1:
        db.session.rollback()
        raise Refused("this link was used already", code="used_invite")
    account = _set_password(row, hashed, now) if row.account_id else _add(name, hashed, now)
    account.signed_in_at = now
    session_token = start_session(settings, now, account=account)
    db.session.commit()
    return session_token


def _add(name: str, hashed: str, now: datetime) -> ConsoleAccount:
    known = select(ConsoleAccount.id).where(ConsoleAccount.name == name)
    if db.session.scalar(known) is not None:
        db.session.rollback()
        raise ConfigurationError(f"there is an account {name} already: choose another name")
    account = ConsoleAccount(name=name, password_hash=hashed, created_at=now)
    db.session.add(account)
    db.session.flush()
    record(f"owner {name}", "join", f"console account {name}", "made this account", now=now)
    return account


def _set_password(row: ConsoleInvite, hashed: str, now: datetime) -> ConsoleAccount:
    account = db.session.get_one(ConsoleAccount, row.account_id)
    account.password_hash = hashed
    end_sessions_of(account.id)
    subject = f"console account {account.name}"
    record(f"owner {account.name}", "password", subject, "set a new password by a link", now=now)
    return account


def sign_in(
    settings: ConsoleSettings, name: str, password: str, address: str, *, now: datetime
) -> str:
    """Return the token of a new session. Commits.

    Raises Refused "wait" (the message says how long) or "wrong".
    """
    name = name.strip().lower()[:100]
    limits = throttle.limits_for(name, address)
    until = throttle.wait_until(limits, now)
    account = db.session.scalars(
        select(ConsoleAccount).where(ConsoleAccount.name == name)
    ).one_or_none()
    db.session.commit()
    if until is not None:
        seconds = max(1, round((until - now).total_seconds()))
        wait = counted(seconds, "second") if seconds < 120 else f"{round(seconds / 60)} minutes"
        raise Refused(f"too many tries: wait {wait}", code="wait")
    good = account is not None and account.disabled_at is None
    if not matches(account.password_hash if account and good else None, password):
        throttle.count_failure(limits, now)
        db.session.commit()
        raise Refused("the name or the password is wrong", code="wrong")
    assert account is not None
    throttle.forget_failures(limits)
    if is_outdated(account.password_hash):
        account.password_hash = hash_password(password)
    account.signed_in_at = now
    token = start_session(settings, now, account=account)
    db.session.commit()
    return token


def change_password(actor: Actor, old: str, new: str, address: str, *, now: datetime) -> None:
    """Set a user's new password and end their other sessions. Raises as `sign_in`. Commits."""
    account = db.session.get_one(ConsoleAccount, actor.account_id)
    check_password(new, account.name)
    limits = throttle.limits_for(account.name, address)
    if throttle.wait_until(limits, now) is not None:
        raise Refused("too many tries: wait some minutes", code="wait")
    if not matches(account.password_hash, old):
        throttle.count_failure(limits, now)
        db.session.commit()
        raise Refused("the old password is wrong", code="wrong")
    account.password_hash = hash_password(new)
    end_sessions_of(account.id, but=actor.session_id)
    record(actor, "password", f"console account {account.name}", "changed the password", now=now)
    db.session.commit()


def list_people() -> list[ConsoleAccount]:
    """Return every account, oldest first."""
    return list(db.session.scalars(select(ConsoleAccount).order_by(ConsoleAccount.id)))


def get_account(name: str) -> ConsoleAccount:
    """Return the account of that name; raises ConfigurationError."""
    query = select(ConsoleAccount).where(ConsoleAccount.name == name.strip().lower())
    row = db.session.scalars(query).one_or_none()
    if row is None:
        raise ConfigurationError(f"there is no console account {name}")
    return row


def set_disabled(by: Actor | str, account_id: int, disabled: bool, *, now: datetime) -> None:
    """Disable or enable an account. Commits.

    Raises ConfigurationError for the last enabled account.
    """
    account = db.session.get(ConsoleAccount, account_id)
    if account is None:
        raise ConfigurationError("there is no such account")
    others = ConsoleAccount.id != account_id, ConsoleAccount.disabled_at.is_(None)
    # Locked in one order: of two owners who disable each other at once, one must fail.
    left = db.session.scalars(
        select(ConsoleAccount.id).where(*others).order_by(ConsoleAccount.id).with_for_update()
    ).all()
    if disabled and not left:
        db.session.rollback()
        raise ConfigurationError("this is the last account that can sign in: make another first")
    account.disabled_at = now if disabled else None
    end_sessions_of(account_id)
    action = "disable" if disabled else "enable"
    record(by, action, f"console account {account.name}", f"{action}d the account", now=now)
    db.session.commit()


def _find_invite(token: str, now: datetime) -> ConsoleInvite:
    query = select(ConsoleInvite).where(ConsoleInvite.token_hash == _hash(token))
    row = db.session.scalars(query).one_or_none()
    if row is None:
        raise Refused("this link is not one of ours", code="bad_invite")
    if row.used_at is not None or (row.kind == FIRST and not needs_first_account()):
        raise Refused("this link was used already", code="used_invite")
    if row.expires_at <= now:
        raise Refused("this link is older than a day", code="old_invite")
    return row


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
