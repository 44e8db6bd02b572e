"""Alert channels and the mail server in the console: what is shown, and changes to them."""

import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy import delete, select

from ...audit.actor import Actor
from ...audit.log import record
from ...core.clock import say_time
from ...core.db import db, reading
from ...core.errors import ConfigurationError
from ...core.signing import BadToken, Signer
from ...problems.alerts.decide import next_digest_at
from ...problems.alerts.deliver import MAIL_SERVER, send_test
from ...problems.alerts.evaluate import DIGEST_HOUR
from ...problems.alerts.models import EMAIL, WEBHOOK, AlertChannel, AlertMessage, MailServer
from ...problems.alerts.outbox import drop_waiting
from ...services import Services
from ..access import not_found
from .forms import FORM_WORDS, EmailChannelForm, MailServerForm, WebhookForm

ACTION = "alerts"


@dataclass(frozen=True)
class ChannelState:
    """The state of a channel: a tone (good, wait, problem, quiet) and a sentence."""

    tone: str
    text: str


@dataclass(frozen=True)
class ChannelLine:
    """One channel for display; only the host of a webhook's address."""

    row: AlertChannel
    to: str
    state: ChannelState


def load_channels(services: Services) -> list[ChannelLine]:
    """Return every channel, oldest first."""
    with reading():
        rows = db.session.scalars(select(AlertChannel).order_by(AlertChannel.id))
        return [_line(services.signer, row) for row in rows]


def load_channel(services: Services, channel_id: int) -> ChannelLine:
    """Return one channel; raises ConsoleRefused when there is none of this number."""
    with reading():
        return _line(services.signer, _get(channel_id))


def load_mail_server() -> MailServer | None:
    """Return the mail server, None when none is set."""
    with reading():
        return db.session.get(MailServer, MAIL_SERVER)


def _get(channel_id: int) -> AlertChannel:
    row = db.session.get(AlertChannel, channel_id)
    if row is None:
        raise not_found()
    return row


def _line(signer: Signer, row: AlertChannel) -> ChannelLine:
    where = ", ".join(row.recipients) if row.kind == EMAIL else _host(signer, row)
    return ChannelLine(
        row=row,
        to=where if row.kind == EMAIL else f"{where}: {FORM_WORDS.get(row.form, row.form)}",
        state=_state(row),
    )


def _host(signer: Signer, row: AlertChannel) -> str:
    try:
        return urlsplit(signer.decrypt(row.url_encrypted or "")).hostname or "an address"
    except BadToken:
        return "an address that cannot be read (another secret_key)"


def _state(channel: AlertChannel) -> ChannelState:
    if channel.disabled_at is not None:
        return ChannelState("quiet", f"switched off since {say_time(channel.disabled_at)}")
    mine = select(AlertMessage).where(AlertMessage.channel_id == channel.id)
    failing = mine.where(AlertMessage.next_try_at.is_not(None), AlertMessage.failure != "")
    oldest = db.session.scalars(failing.order_by(AlertMessage.id).limit(1)).first()
    if oldest is not None:
        since = say_time(oldest.created_at)
        return ChannelState("problem", f"failing since {since}: {oldest.failure}")
    newest = db.session.scalars(mine.order_by(AlertMessage.id.desc()).limit(1)).first()
    return ChannelState("quiet", "nothing was sent yet") if newest is None else _state_of(newest)


def _state_of(newest: AlertMessage) -> ChannelState:
    if newest.gave_up_at is not None:
        text = f"gave up at {say_time(newest.gave_up_at)}: {newest.failure}"
        return ChannelState("problem", text)
    if newest.sent_at is None:
        return ChannelState("wait", "a message is on its way")
    delivered = f"delivered at {say_time(newest.sent_at)}"
    if newest.failure:
        return ChannelState("wait", f"{delivered}, but {newest.failure}")
    return ChannelState("good", delivered)


def add_email(services: Services, actor: Actor, form: EmailChannelForm) -> int:
    """Add a channel by e-mail; returns its number. Commits."""
    row = _new(services, EMAIL)
    _change_email(services, row, form)
    return _keep(services, actor, row, "added it, by e-mail")


def add_webhook(services: Services, actor: Actor, form: WebhookForm) -> tuple[int, str]:
    """Add a webhook; returns its number and its signing secret, to be shown once. Commits."""
    row, secret = _new(services, WEBHOOK), secrets.token_hex(32)
    row.secret_encrypted = services.signer.encrypt(secret)
    _change_webhook(services, row, form)
    return _keep(services, actor, row, "added it, a webhook"), secret


def change_channel(
    services: Services, actor: Actor, channel_id: int, form: EmailChannelForm | WebhookForm
) -> None:
    """Change a channel by the form of its kind. Commits."""
    row = _get(channel_id)
    if isinstance(form, EmailChannelForm):
        _change_email(services, row, form)
    else:
        _change_webhook(services, row, form)
    _keep(services, actor, row, "changed it")


def _new(services: Services, kind: str) -> AlertChannel:
    row = AlertChannel(kind=kind, recipients=[], form="", created_at=services.now())
    db.session.add(row)
    return row


def _change_email(services: Services, row: AlertChannel, form: EmailChannelForm) -> None:
    row.recipients = form.mailboxes()
    _change(services, row, str(form.name.data), bool(form.digest.data))


def _change_webhook(services: Services, row: AlertChannel, form: WebhookForm) -> None:
    if form.url.data:
        row.url_encrypted = services.signer.encrypt(form.url.data)
    row.form = str(form.form.data)
    _change(services, row, str(form.name.data), bool(form.digest.data))


def _change(services: Services, row: AlertChannel, name: str, digest: bool) -> None:
    row.name, row.digest = name, digest
    row.digest_at = next_digest_at(services.now(), DIGEST_HOUR) if digest else None


def _keep(services: Services, actor: Actor, row: AlertChannel, did: str) -> int:
    db.session.flush()
    subject = f"alert channel {row.id}"
    record(actor, ACTION, subject, f"{row.name}: {did}", now=services.now())
    db.session.commit()
    return row.id


def switch_channel(services: Services, actor: Actor, channel_id: int, on: bool) -> str:
    """Switch a channel on or off, cancelling its messages. Returns its name. Commits."""
    row, now = _get(channel_id), services.now()
    row.disabled_at = None if on else now
    if on and row.digest:
        row.digest_at = next_digest_at(now, DIGEST_HOUR)
    if not on:
        drop_waiting(row.id, "it was switched off", now)
    _keep(services, actor, row, "switched it on" if on else "switched it off")
    return row.name


def renew_secret(services: Services, actor: Actor, channel_id: int) -> str:
    """Give a webhook a new signing secret; returns it, to be shown once. Commits."""
    row, secret = _get(channel_id), secrets.token_hex(32)
    if row.kind != WEBHOOK:
        raise not_found()
    row.secret_encrypted = services.signer.encrypt(secret)
    _keep(services, actor, row, "made a new signing secret")
    return secret


def remove_channel(services: Services, actor: Actor, channel_id: int) -> str:
    """Remove a channel and its messages; returns its name. Commits."""
    row = _get(channel_id)
    db.session.execute(delete(AlertMessage).where(AlertMessage.channel_id == row.id))
    db.session.delete(row)
    _keep(services, actor, row, "removed it")
    return row.name


def test_channel(services: Services, channel_id: int) -> str:
    """Send a test message; returns the error, "" when it arrived. Commits."""
    return send_test(services, _get(channel_id))


def save_mail_server(services: Services, actor: Actor, form: MailServerForm) -> None:
    """Store the mail server; an empty password keeps the stored one. Commits.

    Raises ConfigurationError when the stored password would go to another server or user.
    """
    row = db.session.get(MailServer, MAIL_SERVER)
    host, user, password = str(form.host.data), form.user.data or "", form.password.data or ""
    if row is None:
        row = MailServer(id=MAIL_SERVER)
        db.session.add(row)
    elif (row.host, row.user) != (host, user) and user and not password:
        db.session.rollback()
        raise ConfigurationError("type the password as well: it is for another server or user")
    row.host, row.port, row.user = host, form.port.data or 0, user
    row.security, row.sender = str(form.security.data), str(form.sender.data)
    if password or not user:
        row.password_encrypted = services.signer.encrypt(password) if user else None
    record(actor, ACTION, "mail server", f"set it to {host}", now=services.now())
    db.session.commit()
