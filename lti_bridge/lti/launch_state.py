"""The OIDC state, a signed token that needs no row; its nonce is stored when it is used."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, select

from ..core.db import db, insert_if_new, write
from ..core.errors import LaunchRejected, Reason
from ..core.signing import BadToken, Signer
from .models import UsedNonce

PURPOSE = "state"
COOKIE_PREFIX = "lti_bridge_login_"
# Used nonces are kept longer than any state is valid.
NONCE_MARGIN = timedelta(minutes=10)
LONGEST_STAMP = 18
# A stamp further ahead than this is forged, and not the effect of a clock set back.
MADE_UP_AHEAD = timedelta(days=1)


@dataclass(frozen=True)
class LaunchState:
    """The content of the state: what the launch must match."""

    platform_id: int
    nonce: str
    browser_hash: str
    issued_at: float
    rung: str
    target_link_uri: str
    storage_target: str | None  # LTI platform storage that keeps the browser's secret, if any


def make_browser_secret(now: datetime, kept: Iterable[str] = ()) -> str:
    """Return a new secret for one login's cookie, with a time stamp in front to find old ones.

    The stamp is in microseconds and greater than those of the secrets the browser has (`kept`),
    also when two logins come at one moment.
    """
    stamp = round(now.timestamp() * 1_000_000)
    made_up = stamp + MADE_UP_AHEAD // timedelta(microseconds=1)
    stamps = [read_stamp(secret) for secret in kept]
    stamp = max([stamp, *(one + 1 for one in stamps if one < made_up)])
    return f"{stamp}.{secrets.token_urlsafe(24)}"


def read_stamp(secret: str) -> int:
    """Return a secret's time stamp, for comparison only; 0 for an invalid secret.

    Secrets of earlier releases have seconds, and so compare as older.
    """
    stamp = secret.partition(".")[0]
    return int(stamp) if stamp.isdecimal() and len(stamp) <= LONGEST_STAMP else 0


def hash_secret(secret: str) -> str:
    """Return the hash of a browser secret that the state contains."""
    return hashlib.sha256(secret.encode()).hexdigest()


def sign_state(signer: Signer, state: LaunchState) -> str:
    """Return the state as a signed token."""
    return signer.sign(PURPOSE, asdict(state))


def read_state(signer: Signer, token: str) -> LaunchState:
    """Return the state that comes back with a launch, without checking its age.

    Raises LaunchRejected "state_missing" or "state_invalid".
    """
    if not token:
        raise LaunchRejected(Reason.STATE_MISSING)
    try:
        payload: dict[str, Any] = signer.unsign(PURPOSE, token)
        return LaunchState(**payload)
    except (BadToken, TypeError) as error:
        raise LaunchRejected(Reason.STATE_INVALID) from error


def check_age(state: LaunchState, *, now: datetime, max_age_seconds: int) -> None:
    """Raise LaunchRejected "state_expired" when the login was too long ago."""
    if not -60 < now.timestamp() - state.issued_at <= max_age_seconds:
        raise LaunchRejected(Reason.STATE_EXPIRED)


def same_browser(state: LaunchState, secret: str | None) -> bool:
    """Tell whether the browser that sends the state is the one that started the login."""
    return same_secret(state.browser_hash, secret)


def same_secret(kept_hash: str, secret: str | None) -> bool:
    """Compare a browser's secret with its hash in constant time."""
    return secret is not None and hmac.compare_digest(hash_secret(secret), kept_hash)


def cookie_name(state: LaunchState) -> str:
    """Return this login's cookie name; each login has its own, so that tabs do not conflict."""
    return COOKIE_PREFIX + hashlib.sha256(state.nonce.encode()).hexdigest()[:12]


def forget_old_nonces(now: datetime, *, at_most: int = 1000) -> int:
    """Delete nonces whose state can no longer be valid; returns how many. Does not commit."""
    old = select(UsedNonce.nonce).where(UsedNonce.expires_at < now).limit(at_most)
    statement = delete(UsedNonce).where(UsedNonce.nonce.in_(old))
    return write(statement)


@dataclass(frozen=True)
class Used:
    """What is kept of a used login."""

    return_url: str | None


def find_use(state: LaunchState) -> Used | None:
    """Return the record of the launch that used this login's nonce, or None. Reads only."""
    row = db.session.get(UsedNonce, state.nonce)
    return Used(row.return_url) if row is not None else None


def consume_nonce(
    state: LaunchState, *, max_age_seconds: int, return_url: str | None = None
) -> None:
    """Mark a nonce as used in the caller's transaction; raises LaunchRejected "replayed"."""
    issued_at = datetime.fromtimestamp(state.issued_at, UTC)
    expires_at = issued_at + timedelta(seconds=max_age_seconds) + NONCE_MARGIN
    if not insert_if_new(
        db.session(),
        UsedNonce,
        nonce=state.nonce,
        expires_at=expires_at,
        return_url=return_url,
    ):
        db.session.rollback()
        raise LaunchRejected(Reason.REPLAYED)
