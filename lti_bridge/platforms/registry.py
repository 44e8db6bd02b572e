"""Find, add and disable platforms and their deployments."""

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError

from ..core.db import db, read_apart
from ..core.errors import ConfigurationError, LaunchRejected, Reason
from ..core.plain_text import one_line
from ..lti.values import PlatformValues
from .accounts import get_account
from .connection_values import NEW_VERSIONS, PlatformFacts, check_facts
from .deployments import bring_deployment
from .identity import platform_identity
from .models import PLATFORM, Platform


def platform_values(row: Any) -> PlatformValues:
    """Return a platform's row (object or tuple) as the plain values for the package `lti`."""
    return PlatformValues(
        id=row.id,
        issuer=row.issuer,
        client_id=row.client_id,
        authorization_url=row.authorization_url,
        token_url=row.token_url,
        jwks_url=row.jwks_url,
        dialect=row.dialect,
        audience=row.audience,
        frame_origins=(*row.frame_origins, *(row.learnt_origins or ())),
    )


_BY_ISSUER = select(PLATFORM).where(PLATFORM.c.issuer == bindparam("its_issuer")).limit(2)
_BY_CLIENT = _BY_ISSUER.where(PLATFORM.c.client_id == bindparam("its_client"))
_BY_ID = select(PLATFORM).where(PLATFORM.c.id == bindparam("its_id"))


def find_platform(issuer: str, client_id: str | None) -> PlatformValues:
    """Return the platform of a login request.

    All hosted Canvas schools share one issuer: without a client id the issuer must have exactly
    one platform. Raises LaunchRejected.
    """
    if client_id:
        rows = read_apart(db.engine, _BY_CLIENT, {"its_issuer": issuer, "its_client": client_id})
    else:
        rows = read_apart(db.engine, _BY_ISSUER, {"its_issuer": issuer})
    if len(rows) > 1:
        raise LaunchRejected(Reason.AMBIGUOUS_PLATFORM)
    if not rows:
        named = f"client id {one_line(client_id)}" if client_id else "no client id"
        raise LaunchRejected(Reason.UNKNOWN_PLATFORM, f"issuer {one_line(issuer)}, {named}")
    return _enabled(rows[0])


def get_platform(platform_id: int) -> PlatformValues:
    """Return the platform with this id; raises LaunchRejected when it is gone or disabled."""
    rows = read_apart(db.engine, _BY_ID, {"its_id": platform_id})
    return _enabled(rows[0] if rows else None)


def _enabled(row: Any) -> PlatformValues:
    if row is None:
        raise LaunchRejected(Reason.UNKNOWN_PLATFORM)
    if row.disabled_at is not None:
        raise LaunchRejected(Reason.PLATFORM_DISABLED)
    return platform_values(row)


def add_platform(
    facts: PlatformFacts, deployment_id: str, *, now: datetime, new_privacy: str = "named"
) -> Platform:
    """Add a platform, or update the one with the same issuer and client id; add the deployment.

    Values that are None keep what is stored; `new_privacy` is for a new platform. Makes no HTTP
    calls. Raises ConfigurationError. Commits.
    """
    row = write_platform(facts, deployment_id, now=now, new_privacy=new_privacy)
    db.session.commit()
    return row


def write_platform(
    facts: PlatformFacts, deployment_id: str | None, *, now: datetime, new_privacy: str
) -> Platform:
    """Like `add_platform`, in the caller's transaction, which is rolled back on an error.

    `deployment_id` is None when the LMS has not sent one yet; its first launch does.
    """
    check_facts(facts, deployment_id)
    query = select(Platform).where(
        Platform.issuer == facts.issuer, Platform.client_id == facts.client_id
    )
    row = db.session.scalars(query).one_or_none()
    if row is None:
        row = Platform(
            identity=facts.identity or platform_identity(facts.issuer, facts.client_id),
            issuer=facts.issuer,
            client_id=facts.client_id,
            privacy=new_privacy,
            frame_origins=[],
            created_at=now,
        )
        db.session.add(row)
    elif facts.identity and facts.identity != row.identity:
        raise ConfigurationError(
            f"this platform already has the identity {row.identity}; it is set once, because "
            "every learner's registration hangs on it"
        )
    try:
        _update(row, facts)
        row.disabled_at = None
        if deployment_id is not None:
            bring_deployment(row, deployment_id, now, facts.deployment_identity)
        db.session.flush()
    except IntegrityError as error:
        db.session.rollback()
        raise ConfigurationError(
            "another platform has the same token URL and client id, or the same identity: "
            "see `lti-bridge platform list`"
        ) from error
    return row


def edit_platform(row: Platform, facts: PlatformFacts) -> None:
    """Change a platform's values, in the caller's transaction; its identity stays.

    Issuer and client id may change: registration ids are derived from the identity. Raises
    ConfigurationError after a rollback.
    """
    try:
        check_facts(facts, None)
        row.issuer, row.client_id = facts.issuer, facts.client_id
        _update(row, facts)
        row.scorm_account_id = get_account(facts.account).id if facts.account else None
        db.session.flush()
    except IntegrityError as error:
        db.session.rollback()
        raise ConfigurationError(
            "another platform has this issuer or token URL with the same client id"
        ) from error
    except ConfigurationError:
        db.session.rollback()
        raise


def _update(row: Platform, facts: PlatformFacts) -> None:
    row.name = facts.name
    row.authorization_url = facts.authorization_url
    row.token_url = facts.token_url
    row.jwks_url = facts.jwks_url
    row.audience = row.audience if facts.audience is None else facts.audience or None
    row.dialect = facts.dialect
    row.privacy = facts.privacy or row.privacy
    if facts.new_versions:
        row.replaces_courses = NEW_VERSIONS[facts.new_versions]
    if facts.player:
        row.player_window = facts.player == "window"
    if facts.line_items:
        row.creates_line_items = facts.line_items == "create"
    if facts.account:
        row.scorm_account_id = get_account(facts.account).id


def list_platforms() -> list[Platform]:
    """Return every platform, oldest first."""
    return list(db.session.scalars(select(Platform).order_by(Platform.id)))


def find_named_platform(name: str) -> Platform:
    """Return the platform with this id, name, client id, issuer or identity.

    Raises ConfigurationError when none, or more than one, matches.
    """
    matches = [
        row
        for row in list_platforms()
        if name in (str(row.id), row.name, row.client_id, row.issuer, row.identity)
    ]
    if len(matches) == 1:
        return matches[0]
    if not matches:
        raise ConfigurationError(f"there is no platform {name}: see `lti-bridge platform list`")
    raise ConfigurationError(f"{name} fits {len(matches)} platforms: use the number")


def disable_platform(name: str, *, now: datetime) -> Platform:
    """Reject launches of a platform from now on; deletes nothing. Commits."""
    row = find_named_platform(name)
    row.disabled_at = now
    db.session.commit()
    return row
