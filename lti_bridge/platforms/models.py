"""Rows of platforms, deployments, tool keys, invites and SCORM Cloud accounts."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..core.db import Base, EnumText, table_of


class ScormAccount(Base):
    """One SCORM Cloud application: its URL and credentials."""

    __tablename__ = "scorm_account"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    base_url: Mapped[str] = mapped_column(String(500))
    app_id: Mapped[str] = mapped_column(String(255))
    secret_encrypted: Mapped[str] = mapped_column(String(1000))
    created_at: Mapped[datetime]
    # No new registrations; existing ones are still read and swept.
    disabled_at: Mapped[datetime | None]


class Platform(Base):
    """One platform (issuer, client_id): its endpoints and the bridge's settings for it."""

    __tablename__ = "platform"
    __table_args__ = (
        UniqueConstraint("issuer", "client_id"),
        # Access tokens are cached by (token URL, client id): platforms sharing the pair would share
        # tokens, and one could post scores into the other's gradebook.
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
    frame_origins: Mapped[list[str]]  # named by an admin
    learnt_origins: Mapped[list[str] | None]  # from launches, the newest last
    scorm_account_id: Mapped[int | None] = mapped_column(ForeignKey("scorm_account.id"), index=True)
    # Unused: scopes belong to ResourceLink.service_scopes. To be dropped one release after the
    # last one that wrote it.
    granted_scopes: Mapped[list[str] | None]
    succeeds_id: Mapped[int | None]  # the platform whose registrations it took over
    # Whether the player opens in a new window; None: in the LMS's frame.
    player_window: Mapped[bool | None]
    # Whether the tool creates missing gradebook columns; None: scores wait for the LMS's.
    creates_line_items: Mapped[bool | None]
    # Whether its instructors and LMS admins may upload new course versions; None: only while no
    # other platform uses the SCORM Cloud account.
    replaces_courses: Mapped[bool | None]
    # Until when no scores are sent; whether the LMS throttled us; and the grade whose score may
    # be sent as a probe.
    paused_until: Mapped[datetime | None]
    is_throttled: Mapped[bool] = mapped_column(default=False, server_default=false())
    probe_grade_id: Mapped[int | None]
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]

    deployments: Mapped[list["Deployment"]] = relationship(back_populates="platform")


class DeploymentStatus(StrEnum):
    """Whether a deployment may launch."""

    ACTIVE = "active"
    PENDING = "pending"  # waits for approval


class Deployment(Base):
    """One installation of the tool within a platform."""

    __tablename__ = "deployment"
    __table_args__ = (UniqueConstraint("platform_id", "deployment_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    platform_id: Mapped[int] = mapped_column(ForeignKey("platform.id"))
    deployment_id: Mapped[str] = mapped_column(String(255))
    # Not unique: a succeeding deployment takes over the identity of the old one.
    identity: Mapped[str] = mapped_column(String(36), index=True)
    status: Mapped[DeploymentStatus] = mapped_column(EnumText(DeploymentStatus, 10))
    succeeds_id: Mapped[int | None]  # the deployment whose registrations it took over
    # Whether the newest launch had the user's name; None: no launch yet.
    shares_names: Mapped[bool | None]
    launched_at: Mapped[datetime | None]  # updated at most once an hour
    created_at: Mapped[datetime]

    platform: Mapped[Platform] = relationship(back_populates="deployments")

    @property
    def is_active(self) -> bool:
        """Whether it may launch."""
        return self.status == DeploymentStatus.ACTIVE


class KeyState(StrEnum):
    """Lifecycle of a tool key."""

    NEXT = "next"  # published, does not sign yet
    SIGNING = "signing"
    PUBLISHED = "published"  # signs no more; its signatures may still have to be verified
    RETIRED = "retired"


class ToolKey(Base):
    """One RSA key of the tool; its private part is encrypted."""

    __tablename__ = "tool_key"

    id: Mapped[int] = mapped_column(primary_key=True)
    kid: Mapped[str] = mapped_column(String(64), unique=True)
    private_key_encrypted: Mapped[str] = mapped_column(String(6000))
    public_jwk: Mapped[dict[str, Any]]
    state: Mapped[KeyState] = mapped_column(EnumText(KeyState, 10))
    created_at: Mapped[datetime]
    state_changed_at: Mapped[datetime]


class Invite(Base):
    """A single-use permission for a dynamic registration; only the token's hash is stored."""

    __tablename__ = "invite"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    # The platform that it may change; None: it only creates a new one.
    platform_id: Mapped[int | None] = mapped_column(ForeignKey("platform.id"), index=True)
    dialect: Mapped[str | None] = mapped_column(String(20))  # overrides what the LMS says of itself
    # The lease of a registration that is running; it expires, so a crash does not block the invite.
    claim_token: Mapped[str | None] = mapped_column(String(32))
    claimed_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


# For statements that are built once, when their module is imported.
PLATFORM, DEPLOYMENT = table_of(Platform), table_of(Deployment)
ACCOUNT = table_of(ScormAccount)
