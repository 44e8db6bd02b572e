"""Tables of the console's users, sessions and failed sign-ins."""

from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, String, UniqueConstraint, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..core.db import Base
from ..platforms.models import Deployment, Platform

FORGOTTEN_AFTER = timedelta(hours=24)


class ConsoleGrant(Base):
    """A platform admin's request for console access, which an owner grants or revokes.

    The LTI role is not enough: in Canvas the admins of every sub-account have it.
    """

    __tablename__ = "console_grant"
    __table_args__ = (UniqueConstraint("platform_id", "sub"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    platform_id: Mapped[int] = mapped_column(ForeignKey("platform.id"))
    sub: Mapped[str] = mapped_column(String(255))
    # Where they asked from; the scope of the grant unless it covers the whole platform.
    deployment_id: Mapped[int | None] = mapped_column(ForeignKey("deployment.id"))
    whole_platform: Mapped[bool] = mapped_column(default=True, server_default=true())
    asked_at: Mapped[datetime]
    granted_at: Mapped[datetime | None]

    platform: Mapped[Platform] = relationship()
    deployment: Mapped[Deployment | None] = relationship()


class ConsoleAccount(Base):
    """An owner of the bridge, who signs in with a name and a password."""

    __tablename__ = "console_account"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)  # lower case
    password_hash: Mapped[str] = mapped_column(String(255))  # Argon2id
    created_at: Mapped[datetime]
    signed_in_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]


class ConsoleInvite(Base):
    """A one-time link: for the first account, another account, or a new password."""

    __tablename__ = "console_invite"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[str] = mapped_column(String(10))  # first | owner | password
    account_id: Mapped[int | None] = mapped_column(ForeignKey("console_account.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class ConsoleSession(Base):
    """A session of an owner (by account) or an LMS admin (by grant)."""

    __tablename__ = "console_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("console_account.id"), index=True)
    grant_id: Mapped[int | None] = mapped_column(ForeignKey("console_grant.id"), index=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]  # renewed at most once a minute
    expires_at: Mapped[datetime] = mapped_column(index=True)


class SignInFailure(Base):
    """Failed sign-ins by name, IP address, or both, which determine the wait."""

    __tablename__ = "sign_in_failure"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    failures: Mapped[int]
    failed_at: Mapped[datetime] = mapped_column(index=True)
