"""The tool's signing keys: stored encrypted, parsed once per process, rotated."""

import base64
import hashlib
import json
import math
import threading
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import RSAAlgorithm
from sqlalchemy import ColumnElement, and_, or_, select, text

from ..core.db import db, reading
from ..core.errors import ConfigurationError
from ..core.signing import Signer
from ..lti.values import SigningKey
from .models import KeyState, ToolKey

SHOWN = (KeyState.NEXT, KeyState.SIGNING, KeyState.PUBLISHED)
# Platforms may cache the key set for minutes; Canvas and Moodle fetch it again for an unknown
# kid (docs/developer/lms/canvas.md, moodle.md).
KNOWN_AFTER = timedelta(hours=24)
PUBLISHED_FOR = timedelta(days=7)
_parsed: dict[str, SigningKey] = {}
_lock = threading.Lock()


def ensure_keys(signer: Signer, *, now: datetime) -> None:
    """Create the first signing key when there is none, one for all nodes. Commits."""
    if _have_key():
        db.session.commit()
        return
    db.session.commit()
    key = make_key(signer, KeyState.SIGNING, now)  # slow, so before the table lock
    _lock_keys()
    if not _have_key():
        db.session.add(key)
    db.session.commit()


def _have_key() -> bool:
    return db.session.scalars(select(ToolKey.id).limit(1)).first() is not None


def make_key(signer: Signer, state: KeyState, now: datetime) -> ToolKey:
    """Return a new RSA 2048 key as a row; its kid is the RFC 7638 thumbprint."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    public = {name: public[name] for name in ("e", "kty", "n")}
    kid = _thumbprint(public)
    return ToolKey(
        kid=kid,
        private_key_encrypted=signer.encrypt(pem.decode()),
        public_jwk={**public, "kid": kid, "alg": "RS256", "use": "sig"},
        state=state,
        created_at=now,
        state_changed_at=now,
    )


def _thumbprint(public: dict[str, str]) -> str:
    canonical = json.dumps(public, sort_keys=True, separators=(",", ":")).encode()
    digest = hashlib.sha256(canonical).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def signing_key(signer: Signer, *, now: datetime) -> SigningKey:
    """Return the current signing key: the newest that platforms have had time to fetch.

    Raises ConfigurationError when there is none. Commits.
    """
    with reading():
        query = select(ToolKey.kid, ToolKey.private_key_encrypted).where(_may_sign(now))
        found = db.session.execute(query.order_by(ToolKey.id.desc()).limit(1)).first()
    if found is None:
        raise ConfigurationError("there is no signing key: run `lti-bridge migrate`")
    with _lock:
        if found.kid not in _parsed:
            pem = signer.decrypt(found.private_key_encrypted).encode()
            private_key = load_pem_private_key(pem, password=None)
            assert isinstance(private_key, rsa.RSAPrivateKey)
            _parsed[found.kid] = SigningKey(found.kid, private_key)
        return _parsed[found.kid]


def _may_sign(now: datetime) -> ColumnElement[bool]:
    """Return the condition for keys that may sign; `advance_keys` may update the state later."""
    known = and_(ToolKey.state == KeyState.NEXT, ToolKey.state_changed_at <= now - KNOWN_AFTER)
    return or_(ToolKey.state == KeyState.SIGNING, known)


def rotate_keys(signer: Signer, *, now: datetime) -> str:
    """Publish a new key unless a rotation is under way; returns a message. Commits.

    The new key signs after a day, in which platforms fetch it. The old one stays published for a
    week, for signatures not yet verified, and is then retired. A table lock makes one rotation of
    simultaneous calls.
    """
    spare = make_key(signer, KeyState.NEXT, now)
    _lock_keys()
    keys = _advance(now)
    waiting = next((key for key in keys if key.state == KeyState.NEXT), None)
    leaving = next((key for key in keys if key.state == KeyState.PUBLISHED), None)
    if waiting is not None:
        left = _hours(waiting.state_changed_at + KNOWN_AFTER - now)
        said = f"A rotation is under way: key {waiting.kid} is published and signs in {left} h."
    elif leaving is not None:
        left = _hours(leaving.state_changed_at + PUBLISHED_FOR - now)
        said = f"A rotation is under way: key {leaving.kid} stays published for {left} more hours."
    else:
        db.session.add(spare)
        said = f"Key {spare.kid} is published; it signs by itself in {_hours(KNOWN_AFTER)} hours."
    db.session.commit()
    return said


def replace_leaked_key(signer: Signer, *, now: datetime) -> str:
    """Retire all keys at once and sign with a new one; returns a message. Commits.

    Platforms that cached our key set refuse our calls until they fetch it again.
    """
    spare = make_key(signer, KeyState.SIGNING, now)
    _lock_keys()
    for key in _advance(now):
        if key.state in SHOWN:
            _move(key, KeyState.RETIRED, now)
    db.session.add(spare)
    db.session.commit()
    return f"Key {spare.kid} signs now; every other key is retired."


def advance_keys(*, now: datetime) -> None:
    """Update the state of keys by their age. Commits."""
    _lock_keys()
    _advance(now)
    db.session.commit()


def _lock_keys() -> None:
    if db.engine.dialect.name == "postgresql":
        # SQLite needs no table lock: its write transactions run one at a time.
        db.session.execute(text("LOCK TABLE tool_key IN SHARE ROW EXCLUSIVE MODE"))


def _advance(now: datetime) -> list[ToolKey]:
    """Update the state of keys by their age; returns all keys."""
    query = select(ToolKey).order_by(ToolKey.id).execution_options(populate_existing=True)
    keys = list(db.session.scalars(query))
    for key in keys:
        if key.state != KeyState.NEXT or key.state_changed_at > now - KNOWN_AFTER:
            continue
        for other in keys:
            if other.state == KeyState.SIGNING:
                _move(other, KeyState.PUBLISHED, now)
        _move(key, KeyState.SIGNING, now)
    for key in keys:
        if key.state == KeyState.PUBLISHED and key.state_changed_at <= now - PUBLISHED_FOR:
            _move(key, KeyState.RETIRED, now)
    return keys


def _move(key: ToolKey, state: KeyState, now: datetime) -> None:
    key.state, key.state_changed_at = state, now


def _hours(span: timedelta) -> int:
    return math.ceil(span.total_seconds() / 3600)


def public_jwks() -> dict[str, list[dict[str, Any]]]:
    """Return the public key set (JWKS): keys that sign, signed, or will sign soon."""
    query = select(ToolKey.public_jwk).where(ToolKey.state.in_(SHOWN)).order_by(ToolKey.id)
    return {"keys": list(db.session.scalars(query))}


def list_keys() -> list[ToolKey]:
    """Return every key, oldest first."""
    return list(db.session.scalars(select(ToolKey).order_by(ToolKey.id)))
