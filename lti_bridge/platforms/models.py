"""Rows of who may launch us: platforms, deployments, tool keys and SCORM Cloud accounts."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..core.db import Base, one_of, table_of


class ScormAccount(Base):
    """One SCORM Cloud application: where it is and how we sign in."""

    __tablename__ = "scorm_account"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    base_url: Mapped[str] = mapped_column(String(500))
    app_id: Mapped[str] = mapped_column(String(255))
    secret_encrypted: Mapped[str] = mapped_column(String(1000))
    created_at: Mapped[datetime]
    # Nothing new is opened in it; what lives there is still read and swept.
    disabled_at: Mapped[datetime | None]


class Platform(Base):
    """One LMS side of LTI: an (issuer, client_id) pair, its endpoints and our settings for it."""

    __tablename__ = "platform"
    __table_args__ = (
        UniqueConstraint("issuer", "client_id"),
        # A token is asked by (token URL, client id): two platforms with the same pair would
        # share tokens, and one could post into the other's gradebook.
        UniqueConstraint("token_url", "client_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    identity: Mapped[str] = mapped_column(String(36), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    issuer: Mapped[str] = mapped_column(String(500))
    client_id: Mapped[str] = mapped_column(String(255))
    authorization_url: Mapped[str] = mapped_column(String(1000))
    token_url: Mapped[str] = mapped_column(String(500))
    jwks_url: Mapped[str] = mapped_column(String(1000))
    audience: Mapped[str | None] = mapped_column(String(500))
    dialect: Mapped[str] = mapped_column(String(20))
    privacy: Mapped[str] = mapped_column(String(20))
    grading_policy: Mapped[dict[str, Any] | None]
    frame_origins: Mapped[list[str]]  # sites that an admin named
    learnt_origins: Mapped[list[str] | None]  # sites that launches came from, the newest last
    scorm_account_id: Mapped[int | None] = mapped_column(ForeignKey("scorm_account.id"), index=True)
    # Not used: scopes belong to an activity (ResourceLink.service_scopes). To be dropped by the
    # release after the one that stopped to write it.
    granted_scopes: Mapped[list[str] | None]
    succeeds_id: Mapped[int | None]  # the platform whose registrations it took over
    # Whether the player opens in a window of its own; None: in the LMS's frame.
    player_window: Mapped[bool | None]
    # Whether the tool makes the gradebook column of an activity that has none; None: it waits.
    creates_line_items: Mapped[bool | None]
    # Whether its instructors and admins may upload new versions of courses; None: only while no
    # other platform uses the same SCORM Cloud account.
    replaces_courses: Mapped[bool | None]
    # Until when the LMS asked to be left alone; whether that was for too many requests; and the
    # grade whose score may find out whether it is back.
    paused_until: Mapped[datetime | None]
    is_throttled: Mapped[bool] = mapped_column(default=False, server_default=false())
    probe_grade_id: Mapped[int | None]
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]

    deployments: Mapped[list["Deployment"]] = relationship(back_populates="platform")


class DeploymentStatus(StrEnum):
    """Whether launches of an installation are accepted."""

    ACTIVE = "active"
    PENDING = "pending"  # it waits for approval


class Deployment(Base):
    """One installation of the tool within a platform."""

    __tablename__ = "deployment"
    __table_args__ = (UniqueConstraint("platform_id", "deployment_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    platform_id: Mapped[int] = mapped_column(ForeignKey("platform.id"))
    deployment_id: Mapped[str] = mapped_column(String(255))
    # Not unique: a successor takes over the identity of the deployment it follows.
    identity: Mapped[str] = mapped_column(String(36), index=True)
    status: Mapped[DeploymentStatus] = mapped_column(one_of(DeploymentStatus, 10))
    succeeds_id: Mapped[int | None]  # the deployment whose registrations it took over
    # Whether the newest launch named its user; None: no launch yet.
    shares_names: Mapped[bool | None]
    launched_at: Mapped[datetime | None]  # renewed once an hour
    created_at: Mapped[datetime]

    platform: Mapped[Platform] = relationship(back_populates="deployments")

    @property
    def is_active(self) -> bool:
        """Whether its launches are accepted."""
        return self.status == DeploymentStatus.ACTIVE


class KeyState(StrEnum):
    """Where a key of ours stands between being made and being forgotten."""

    NEXT = "next"  # published, not yet signing
    SIGNING = "signing"
    PUBLISHED = "published"  # signs no more; what it signed may still be on its way
    RETIRED = "retired"


class ToolKey(Base):
    """One RSA key of ours, which goes through the states of KeyState in turn."""

    __tablename__ = "tool_key"

    id: Mapped[int] = mapped_column(primary_key=True)
    kid: Mapped[str] = mapped_column(String(64), unique=True)
    private_key_encrypted: Mapped[str] = mapped_column(String(6000))
    public_jwk: Mapped[dict[str, Any]]
    state: Mapped[KeyState] = mapped_column(one_of(KeyState, 10))
    created_at: Mapped[datetime]
    state_changed_at: Mapped[datetime]


class Invite(Base):
    """Leave for one dynamic registration; the token itself is never stored."""

    __tablename__ = "invite"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    # The platform that it may change; None: it may only make a new one.
    platform_id: Mapped[int | None] = mapped_column(ForeignKey("platform.id"), index=True)
    dialect: Mapped[str | None] = mapped_column(String(20))  # instead of what the LMS says it is
    # Somebody is registering with it right now: a lease, so that a killed process loses nothing.
    claim_token: Mapped[str | None] = mapped_column(String(32))
    claimed_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


# For statements that are built once.
PLATFORM, DEPLOYMENT = table_of(Platform), table_of(Deployment)
ACCOUNT = table_of(ScormAccount)
