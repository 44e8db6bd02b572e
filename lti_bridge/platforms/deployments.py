"""Deployments of a platform: which may launch, and which wait for approval."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from ..core.db import change_row, db
from ..core.errors import ConfigurationError, LaunchRejected, Reason
from ..lti.claims import RESOURCE_LINK, LaunchClaims
from .identity import deployment_identity
from .models import Deployment, DeploymentStatus, Platform

# All launches of a school share these rows, so they are not written at every launch.
RENEW_LAUNCHED_AT = timedelta(hours=1)


def get_deployment(
    platform_id: int,
    deployment_id: str,
    *,
    now: datetime,
    pending_at_most: int,
    activate: bool = False,
) -> Deployment:
    """Return the active deployment of a verified launch.

    With `activate` (this browser has just connected the platform) the platform's first deployment
    becomes active, in the caller's transaction. Any other unknown deployment is stored as
    `pending`, at most `pending_at_most` per platform, which commits. Raises LaunchRejected
    "unknown_deployment".
    """
    query = select(Deployment).where(
        Deployment.platform_id == platform_id, Deployment.deployment_id == deployment_id
    )
    row = db.session.scalars(query).one_or_none()
    if row is not None and row.is_active:
        return row
    if activate and not _has_active(platform_id):
        return _activate(row, platform_id, deployment_id, now)
    if row is None:
        _record_pending(platform_id, deployment_id, now, pending_at_most)
    raise LaunchRejected(Reason.UNKNOWN_DEPLOYMENT)


def _has_active(platform_id: int) -> bool:
    active = Deployment.platform_id == platform_id, Deployment.status == DeploymentStatus.ACTIVE
    return db.session.scalar(select(Deployment.id).where(*active).limit(1)) is not None


def _activate(
    row: Deployment | None, platform_id: int, deployment_id: str, now: datetime
) -> Deployment:
    if row is None:
        platform = db.session.get_one(Platform, platform_id)
        row = make_deployment(platform, deployment_id, DeploymentStatus.ACTIVE, now)
        db.session.add(row)
    row.status = DeploymentStatus.ACTIVE
    db.session.flush()
    return row


def _record_pending(
    platform_id: int, deployment_id: str, now: datetime, pending_at_most: int
) -> None:
    platform = db.session.get_one(Platform, platform_id)
    count = select(func.count()).where(
        Deployment.platform_id == platform_id, Deployment.status == DeploymentStatus.PENDING
    )
    if (db.session.scalar(count) or 0) >= pending_at_most:
        return
    db.session.add(make_deployment(platform, deployment_id, DeploymentStatus.PENDING, now))
    try:
        db.session.commit()
    except IntegrityError:  # another node stored it at the same time
        db.session.rollback()


def note_launch(row: Any, claims: LaunchClaims, now: datetime) -> bool:
    """Store when a deployment was last launched, and whether its LMS shares names.

    `row` is an object or a tuple. Writes only changed values, in the caller's transaction; returns
    whether it wrote. Only resource link launches in a context count: others may lack the name
    claims for other reasons.
    """
    if claims.message_type != RESOURCE_LINK or claims.context_id is None:
        return False
    told: dict[str, Any] = {}
    if row.launched_at is None or now - row.launched_at > RENEW_LAUNCHED_AT:
        told["launched_at"] = now
    shares_names = bool(claims.first_name or claims.last_name or claims.email)
    if shares_names is not row.shares_names:
        told["shares_names"] = shares_names
    if told:
        change_row(db.session, Deployment, row.id, **told)
    return bool(told)


def shared_names(platform: Platform) -> bool | None:
    """Tell whether any deployment of an LMS shares names; None before the first launch."""
    told = [d.shares_names for d in platform.deployments if d.shares_names is not None]
    return any(told) if told else None


def make_deployment(
    platform: Platform,
    deployment_id: str,
    status: DeploymentStatus,
    now: datetime,
    identity: str | None = None,
) -> Deployment:
    """Return a new row; `identity` is given only to restore a succeeded deployment's."""
    return Deployment(
        platform=platform,
        deployment_id=deployment_id,
        identity=identity or deployment_identity(platform.identity, deployment_id),
        status=status,
        created_at=now,
    )


def bring_deployment(
    platform: Platform, deployment_id: str, now: datetime, identity: str | None
) -> None:
    """Add or activate a deployment that an admin names. Raises ConfigurationError."""
    row = find_deployment(platform, deployment_id)
    if row is None:
        made = make_deployment(platform, deployment_id, DeploymentStatus.ACTIVE, now, identity)
        db.session.add(made)
        return
    if identity and identity != row.identity:
        raise ConfigurationError(
            f"deployment {deployment_id} already has the identity {row.identity}; "
            "`platform deployment succeed` gives it that of another one"
        )
    row.status = DeploymentStatus.ACTIVE


def find_deployment(platform: Platform, deployment_id: str) -> Deployment | None:
    """Return one deployment of a platform, or None."""
    return next((d for d in platform.deployments if d.deployment_id == deployment_id), None)


def approve_deployment(platform: Platform, deployment_id: str) -> Deployment:
    """Activate a pending deployment. Raises ConfigurationError when it is unknown. Commits."""
    row = find_deployment(platform, deployment_id)
    if row is None:
        raise ConfigurationError(
            f"platform {platform.name} has no deployment {deployment_id}: "
            "it is listed after its first launch"
        )
    row.status = DeploymentStatus.ACTIVE
    db.session.commit()
    return row
