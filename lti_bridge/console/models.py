"""Rows of the console: who may use it, what was done, what tests found, which processes run."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..db import Base
from ..platforms.models import Deployment, Platform


class ConsoleGrant(Base):
    """A platform's administrator at our console: asks once, an owner grants or takes back.

    The role alone is not enough: in Canvas the admins of every sub-account carry it.
    """

    __tablename__ = "console_grant"
    __table_args__ = (UniqueConstraint("platform_id", "sub"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    platform_id: Mapped[int] = mapped_column(ForeignKey("platform.id"))
    sub: Mapped[str] = mapped_column(String(255))
    # Where they asked from. Unless the whole platform was granted, the console ends there.
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
    """A one-time link: to the first account, to one more, or to a new password."""

    __tablename__ = "console_invite"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[str] = mapped_column(String(10))  # first | owner | password
    account_id: Mapped[int | None] = mapped_column(ForeignKey("console_account.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class ConsoleSession(Base):
    """Somebody who is signed in: an owner by their account, or an LMS admin by their grant."""

    __tablename__ = "console_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("console_account.id"), index=True)
    grant_id: Mapped[int | None] = mapped_column(ForeignKey("console_grant.id"), index=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]  # renewed at most once a minute
    expires_at: Mapped[datetime] = mapped_column(index=True)


class SignInFailure(Base):
    """Failed sign-ins by one name, one address, or both: after some, a wait that grows."""

    __tablename__ = "sign_in_failure"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    failures: Mapped[int]
    failed_at: Mapped[datetime] = mapped_column(index=True)


class AuditEntry(Base):
    """One thing that a person did at the console or by a command; never changed, never removed.

    `subject` names what it was done to, such as "platform 3"; `text` holds no learner's name.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (Index(None, "platform_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(300))
    action: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(100), index=True)
    platform_id: Mapped[int | None] = mapped_column(ForeignKey("platform.id"))
    text: Mapped[str] = mapped_column(Text)


class CheckResult(Base):
    """What the newest self-test of one platform or account found."""

    __tablename__ = "check_result"

    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(String(100), unique=True)
    checked_at: Mapped[datetime]
    mark: Mapped[str] = mapped_column(String(10))  # the worst of its lines: ok | warning | failed
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSON)


class NodeProcess(Base):
    """A process of the bridge that says every half a minute that it is there.

    One that ends by itself removes its row; one that was killed leaves it for a day.
    """

    __tablename__ = "node_process"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(300), unique=True)  # host, kind and process id
    node: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(10))  # web | worker
    version: Mapped[str] = mapped_column(String(40))
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime] = mapped_column(index=True)
    clock_ahead_seconds: Mapped[float]  # this machine's clock before the database's
