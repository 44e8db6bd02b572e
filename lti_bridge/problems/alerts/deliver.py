"""Deliver waiting messages: claim one, send it outside of any transaction, store the outcome."""

import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, exists, select, update
from sqlalchemy.orm import aliased

from ...core.db import db, reading, write
from ...core.errors import BridgeError, Refused, Unavailable
from ...passback.rules.retry_policy import Backoff, gives_up, wait_seconds
from ...services import Services
from . import mail, webhook
from .decide import TEST
from .models import EMAIL, AlertChannel, AlertMessage, MailServer
from .outbox import add_message, message_id

# Longer than any call may take: an expired claim's process is dead.
CLAIM = timedelta(seconds=60)
GIVE_UP_DAYS = 3
AT_ONCE = 100
MAIL_SERVER = 1
BACKOFF = Backoff()
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Mailbox:
    server: mail.MailAccess
    sender: str
    recipients: Sequence[str]


@dataclass(frozen=True)
class _Hook:
    url: str
    secret: str


def deliver_due(services: Services, stop: Callable[[], bool] = lambda: False) -> int:
    """Send due messages that no other process has claimed; returns how many arrived. Commits.

    After a failure a channel is skipped until the next round, so that it does not delay others.
    """
    arrived, failed = 0, set[int]()
    with reading():
        due = list(db.session.execute(_select_due(services.now())))
    for number, channel_id in due:
        if stop():
            break
        if channel_id in failed:
            continue
        claimed = _claim(number, services.now())
        if claimed is None:
            continue
        if _send(services, claimed):
            failed.add(channel_id)
        else:
            arrived += 1
    return arrived


def _select_due(now: datetime) -> Any:
    """Select due messages, new ones first: repeated failures must not delay them."""
    return (
        select(AlertMessage.id, AlertMessage.channel_id)
        .join(AlertChannel, AlertChannel.id == AlertMessage.channel_id)
        .where(AlertMessage.next_try_at <= now, AlertChannel.disabled_at.is_(None))
        .where(~_waits_for_another())
        .order_by(AlertMessage.tries, AlertMessage.id)
        .limit(AT_ONCE)
    )


def _waits_for_another() -> ColumnElement[bool]:
    """Hold the end of a problem back until its beginning was delivered."""
    earlier = aliased(AlertMessage)
    return exists().where(
        earlier.channel_id == AlertMessage.channel_id,
        earlier.key == AlertMessage.key,
        earlier.key != "",
        earlier.id < AlertMessage.id,
        earlier.next_try_at.is_not(None),
    )


def send_test(services: Services, channel: AlertChannel) -> str:
    """Send a test message at once; returns the error, "" when it arrived. Commits."""
    now = services.now()
    row = add_message(services, channel, TEST, now=now, next_try_at=now)
    db.session.commit()
    claimed = _claim(row.id, now)
    return _send(services, claimed, once=True) if claimed is not None else ""


def _claim(number: int, now: datetime) -> Any:
    """Claim a message, or return None; the claim expires when this process dies."""
    taken = db.session.execute(
        update(AlertMessage)
        .where(AlertMessage.id == number, AlertMessage.next_try_at <= now)
        .values(next_try_at=now + CLAIM, tries=AlertMessage.tries + 1)
        .returning(*AlertMessage.__table__.columns)
        .execution_options(synchronize_session=False)
    ).first()
    db.session.commit()
    return taken


def _send(services: Services, claimed: Any, *, once: bool = False) -> str:
    """Send a claimed message and store the outcome; returns the error, "" when it arrived."""
    try:
        with reading():
            target = _load_target(services, claimed.channel_id)
        refused = _call(services, target, claimed)
    except BridgeError as error:
        logger.warning("alert channel %d takes no message", claimed.channel_id)
        _note_failure(services, claimed, error, once)
        return str(error)
    note = f"it was refused for {', '.join(refused)}" if refused else ""
    if _note(claimed, next_try_at=None, sent_at=services.now(), failure=note):
        _wake_others(claimed.channel_id, services.now())
    db.session.commit()
    return ""


def _load_target(services: Services, channel_id: int) -> _Mailbox | _Hook:
    channel = db.session.get(AlertChannel, channel_id, populate_existing=True)
    if channel is None:
        raise Refused("the channel was removed")
    if channel.kind == EMAIL:
        return _load_mailbox(services, channel)
    assert channel.url_encrypted is not None and channel.secret_encrypted is not None
    decrypt = services.signer.decrypt
    return _Hook(decrypt(channel.url_encrypted), decrypt(channel.secret_encrypted))


def _load_mailbox(services: Services, channel: AlertChannel) -> _Mailbox:
    row = db.session.get(MailServer, MAIL_SERVER, populate_existing=True)
    if row is None:
        raise Refused("no mail server is set: set one under Alerts")
    password = services.signer.decrypt(row.password_encrypted) if row.password_encrypted else ""
    server = mail.MailAccess(row.host, row.port, row.security, row.user, password)
    return _Mailbox(server, row.sender, channel.recipients)


def _call(services: Services, target: _Mailbox | _Hook, claimed: Any) -> Sequence[str]:
    if isinstance(target, _Hook):
        facts = {"event": claimed.event, "delivery": claimed.delivery, "now": services.now()}
        webhook.post(services.outbound, target.url, target.secret, claimed.payload, **facts)
        return []
    message = mail.compose(
        target.sender,
        target.recipients,
        claimed.subject,
        claimed.payload,
        message_id=message_id(services, claimed.delivery),
        at=claimed.created_at,
    )
    return mail.send(target.server, target.sender, target.recipients, message)


def _note_failure(services: Services, claimed: Any, error: BridgeError, once: bool) -> None:
    now = services.now()
    if once or gives_up(claimed.created_at, now, GIVE_UP_DAYS):
        _note(claimed, next_try_at=None, gave_up_at=now, failure=str(error))
    else:
        asked = error.retry_after if isinstance(error, Unavailable) else None
        wait = wait_seconds(claimed.tries, random.random(), BACKOFF, asked)
        _note(claimed, next_try_at=now + timedelta(seconds=wait), failure=str(error))
    db.session.commit()


def _note(claimed: Any, **values: Any) -> bool:
    """Store the outcome, unless the claim expired and another process tried it since."""
    mine = AlertMessage.id == claimed.id, AlertMessage.tries == claimed.tries
    statement = update(AlertMessage).where(*mine).values(values)
    return write(statement) > 0


def _wake_others(channel_id: int, now: datetime) -> None:
    """Retry a channel's failed messages now that it accepted one."""
    waiting = (
        AlertMessage.channel_id == channel_id,
        AlertMessage.next_try_at > now,
        AlertMessage.failure != "",
    )
    statement = update(AlertMessage).where(*waiting).values(next_try_at=now)
    write(statement)
