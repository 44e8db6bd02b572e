"""Tables of alerts: channels, problems seen, and messages."""

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, String, Text, false
from sqlalchemy.orm import Mapped, mapped_column

from ...core.db import Base

EMAIL, WEBHOOK = "email", "webhook"
# Formats of webhooks: the bridge's JSON, or that of another product.
JSON_FORM, SLACK, TEAMS = "json", "slack", "teams"


class AlertChannel(Base):
    """One channel: e-mail to `recipients`, or a webhook.

    A webhook's address is a secret too: Slack and Teams need no other credential.
    """

    __tablename__ = "alert_channel"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(80))
    recipients: Mapped[list[str]] = mapped_column(JSON)
    form: Mapped[str] = mapped_column(String(10))
    url_encrypted: Mapped[str | None] = mapped_column(Text)
    secret_encrypted: Mapped[str | None] = mapped_column(Text)
    digest: Mapped[bool] = mapped_column(default=False, server_default=false())
    digest_at: Mapped[datetime | None]  # when the next is due
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class MailServer(Base):
    """The SMTP server; always the row with the id 1."""

    __tablename__ = "mail_server"

    id: Mapped[int] = mapped_column(primary_key=True)
    host: Mapped[str] = mapped_column(String(255))
    port: Mapped[int]
    security: Mapped[str] = mapped_column(String(10))  # none | starttls | tls
    user: Mapped[str] = mapped_column(String(255))  # empty: no sign-in
    password_encrypted: Mapped[str | None] = mapped_column(Text)
    sender: Mapped[str] = mapped_column(String(255))


class SeenProblem(Base):
    """One problem by its key: since when it lasts, and whether it was announced.

    The row restarts when the problem comes back after its end.
    """

    __tablename__ = "seen_problem"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(140), unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    subject: Mapped[str] = mapped_column(String(200))
    what: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime]
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    alerted_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None] = mapped_column(index=True)


class AlertMessage(Base):
    """One message to one channel; every try sends the same text.

    `next_try_at` is None once it is delivered or given up; a claim postpones it.
    """

    __tablename__ = "alert_message"

    id: Mapped[int] = mapped_column(primary_key=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("alert_channel.id"), index=True)
    event: Mapped[str] = mapped_column(String(10))  # began | ended | digest | test
    key: Mapped[str] = mapped_column(String(140))  # of its problem; empty for several problems
    delivery: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str] = mapped_column(String(200))  # e-mail only
    payload: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(index=True)
    next_try_at: Mapped[datetime | None] = mapped_column(index=True)
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    sent_at: Mapped[datetime | None]
    gave_up_at: Mapped[datetime | None]
    failure: Mapped[str] = mapped_column(Text, default="", server_default="")


class AlertTurn(Base):
    """The lease of the process that evaluates, and when it is due; the row with the id 1."""

    __tablename__ = "alert_turn"

    id: Mapped[int] = mapped_column(primary_key=True)
    next_at: Mapped[datetime | None]
    lease_token: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None]
