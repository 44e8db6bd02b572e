"""Rows of messages: created with their text, deleted a while after they are done."""

import secrets
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import delete, update

from ...core.db import db, write
from ...services import Services
from .decide import AlertLine
from .messages import AlertNews, as_json, as_slack, as_teams, say_subject, say_text
from .models import EMAIL, SLACK, TEAMS, AlertChannel, AlertMessage, SeenProblem

MESSAGES_KEPT = timedelta(days=30)
ENDED_KEPT = timedelta(days=90)
PAGE = "/console/problems/"


def add_message(
    services: Services,
    channel: AlertChannel,
    event: str,
    *,
    now: datetime,
    next_try_at: datetime,
    lines: tuple[AlertLine, ...] = (),
    grades: int = 0,
) -> AlertMessage:
    """Add a channel's message with its text, in the caller's transaction.

    `grades` is the number delivered in the day before a digest.
    """
    news = AlertNews(
        event=event,
        delivery=secrets.token_hex(16),
        at=now,
        console=f"{services.settings.public_url}{PAGE}",
        lines=lines,
        grades=grades,
    )
    row = AlertMessage(
        channel_id=channel.id,
        event=event,
        key=lines[0].key if len(lines) == 1 else "",
        delivery=news.delivery,
        subject=say_subject(news),
        payload=_write(channel, news),
        created_at=now,
        next_try_at=next_try_at,
    )
    db.session.add(row)
    return row


def _write(channel: AlertChannel, news: AlertNews) -> str:
    if channel.kind == EMAIL:
        return say_text(news)
    forms = {SLACK: as_slack, TEAMS: as_teams}
    return forms.get(channel.form, as_json)(news)


def message_id(services: Services, delivery: str) -> str:
    """Return an e-mail's Message-ID without angle brackets."""
    return f"{delivery}@{urlsplit(services.settings.public_url).hostname}"


def drop_waiting(channel_id: int, why: str, now: datetime) -> None:
    """Cancel a channel's waiting messages, in the caller's transaction."""
    waiting = AlertMessage.channel_id == channel_id, AlertMessage.next_try_at.is_not(None)
    values = {"next_try_at": None, "gave_up_at": now, "failure": why}
    statement = update(AlertMessage).where(*waiting).values(values)
    write(statement)


def forget_old(now: datetime) -> None:
    """Delete old messages and problems that ended long ago, in the caller's transaction."""
    done = AlertMessage.created_at < now - MESSAGES_KEPT, AlertMessage.next_try_at.is_(None)
    over = SeenProblem.ended_at < now - ENDED_KEPT
    for statement in (delete(AlertMessage).where(*done), delete(SeenProblem).where(over)):
        write(statement)
