"""Rows of alerts: where they go, what was seen and told, and what waits to be delivered."""

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, String, Text, false
from sqlalchemy.orm import Mapped, mapped_column

from ...core.db import Base

EMAIL, WEBHOOK = "email", "webhook"
# What a webhook is sent: the bridge's own JSON, or what the tools of others take.
JSON_FORM, SLACK, TEAMS = "json", "slack", "teams"


class AlertChannel(Base):
    """One way to people: e-mail to `recipients`, or a webhook.

    A webhook's address is a secret as well: with Slack and Teams it is all that posting needs.
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
    digest_at: Mapped[datetime | None]  # the next one
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class MailServer(Base):
    """The server that takes the bridge's e-mails: the row with the id 1."""

    __tablename__ = "mail_server"

    id: Mapped[int] = mapped_column(primary_key=True)
    host: Mapped[str] = mapped_column(String(255))
    port: Mapped[int]
    security: Mapped[str] = mapped_column(String(10))  # none | starttls | tls
    user: Mapped[str] = mapped_column(String(255))  # empty: it asks for no sign-in
    password_encrypted: Mapped[str | None] = mapped_column(Text)
    sender: Mapped[str] = mapped_column(String(255))


class SeenProblem(Base):
    """One problem by its key: since when it lasts, and whether people were told.

    When it begins anew after its end, the row begins anew.
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
    """One message to one channel, with the text of every try.

    `next_try_at` is None once it is delivered or given up; a claim moves it ahead.
    """

    __tablename__ = "alert_message"

    id: Mapped[int] = mapped_column(primary_key=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("alert_channel.id"), index=True)
    event: Mapped[str] = mapped_column(String(10))  # began | ended | digest | test
    key: Mapped[str] = mapped_column(String(140))  # of its problem; empty when it tells of several
    delivery: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str] = mapped_column(String(200))  # of an e-mail
    payload: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(index=True)
    next_try_at: Mapped[datetime | None] = mapped_column(index=True)
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    sent_at: Mapped[datetime | None]
    gave_up_at: Mapped[datetime | None]
    failure: Mapped[str] = mapped_column(Text, default="", server_default="")


class AlertTurn(Base):
    """Which process looks for problems, and when the next look is due: the row with the id 1."""

    __tablename__ = "alert_turn"

    id: Mapped[int] = mapped_column(primary_key=True)
    next_at: Mapped[datetime | None]
    lease_token: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None]
