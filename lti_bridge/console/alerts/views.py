"""The console's views of alerts, for owners: channels and the mail server."""

from flask import Blueprint, Response
from werkzeug.datastructures import MultiDict

from ...audit.actor import Actor
from ...core.errors import ConfigurationError
from ...problems.alerts.models import EMAIL, WEBHOOK
from ...services import current_services
from ..access import Rule, allow, not_found
from ..forms import explain
from ..layout import go, show
from . import pages
from .forms import EmailChannelForm, MailServerForm, WebhookForm

ChannelForm = EmailChannelForm | WebhookForm
blueprint = Blueprint("alerts", __name__, url_prefix="/console/alerts")


@blueprint.get("")
@allow(Rule.OWNER)
def list_all(actor: Actor) -> Response:
    """Every channel with its state."""
    channels = pages.load_channels(current_services())
    return show("console/alerts/list.html", channels=channels, server=pages.load_mail_server())


@blueprint.get("/new/<kind>")
@allow(Rule.OWNER)
def ask_new(actor: Actor, kind: str) -> Response:
    """The form of a new channel."""
    return _ask(kind, _form_of(kind))


@blueprint.post("/new/<kind>")
@allow(Rule.OWNER)
def add(actor: Actor, kind: str) -> Response:
    """Add a channel; of a webhook the signing secret is shown once."""
    form = _form_of(kind)
    if isinstance(form, EmailChannelForm):
        if not form.validate():
            return _ask(kind, form, status=400)
        number = pages.add_email(current_services(), actor, form)
        return go("alerts.one", "The channel is ready: send a test.", channel_id=number)
    if not form.need_address():
        return _ask(kind, form, status=400)
    number, secret = pages.add_webhook(current_services(), actor, form)
    return _one(number, secret=secret)


def _form_of(kind: str, chosen: MultiDict[str, str] | None = None) -> ChannelForm:
    if kind == EMAIL:
        return EmailChannelForm(chosen=chosen)
    if kind == WEBHOOK:
        return WebhookForm(chosen=chosen)
    raise not_found()


def _ask(kind: str, form: ChannelForm, status: int = 200) -> Response:
    return show("console/alerts/new.html", status=status, kind=kind, form=form)


@blueprint.get("/<int:channel_id>")
@allow(Rule.OWNER)
def one(actor: Actor, channel_id: int) -> Response:
    """One channel: its state, a test, and what can be changed."""
    return _one(channel_id)


def _one(channel_id: int, *, secret: str = "") -> Response:
    channel = pages.load_channel(current_services(), channel_id)
    row = channel.row
    values = {"name": row.name, "form": row.form, "recipients": "\n".join(row.recipients)}
    values |= {"digest": "y"} if row.digest else {}
    # Without the values posted to add it: a webhook's address is not shown again.
    form = _form_of(row.kind, MultiDict(values))
    return show("console/alerts/channel.html", channel=channel, form=form, secret=secret)


@blueprint.post("/<int:channel_id>")
@allow(Rule.OWNER)
def change(actor: Actor, channel_id: int) -> Response:
    """Change a channel."""
    services = current_services()
    channel = pages.load_channel(services, channel_id)
    form = _form_of(channel.row.kind)
    if not form.validate():
        return show("console/alerts/channel.html", status=400, channel=channel, form=form)
    pages.change_channel(services, actor, channel_id, form)
    return go("alerts.one", "The channel was changed.", channel_id=channel_id)


@blueprint.post("/<int:channel_id>/test")
@allow(Rule.OWNER)
def test(actor: Actor, channel_id: int) -> Response:
    """Send a test message at once and show the outcome."""
    failure = pages.test_channel(current_services(), channel_id)
    if failure:
        notice = f"The test did not arrive: {failure}."
        return go("alerts.one", notice, tone="bad", channel_id=channel_id)
    return go("alerts.one", "The test was delivered.", channel_id=channel_id)


@blueprint.post("/<int:channel_id>/secret")
@allow(Rule.OWNER)
def renew_secret(actor: Actor, channel_id: int) -> Response:
    """Make a new signing secret and show it once."""
    return _one(channel_id, secret=pages.renew_secret(current_services(), actor, channel_id))


@blueprint.post("/<int:channel_id>/off")
@allow(Rule.OWNER)
def switch_off(actor: Actor, channel_id: int) -> Response:
    """Send nothing to a channel from now on."""
    name = pages.switch_channel(current_services(), actor, channel_id, False)
    return go("alerts.list_all", f"Nothing is sent to {name} any more.")


@blueprint.post("/<int:channel_id>/on")
@allow(Rule.OWNER)
def switch_on(actor: Actor, channel_id: int) -> Response:
    """Send to a channel again."""
    name = pages.switch_channel(current_services(), actor, channel_id, True)
    return go("alerts.list_all", f"Alerts go to {name} again.")


@blueprint.post("/<int:channel_id>/remove")
@allow(Rule.OWNER)
def remove(actor: Actor, channel_id: int) -> Response:
    """Remove a channel."""
    name = pages.remove_channel(current_services(), actor, channel_id)
    return go("alerts.list_all", f"The channel {name} was removed.")


@blueprint.get("/mail")
@allow(Rule.OWNER)
def ask_mail(actor: Actor) -> Response:
    """Ask for the mail server; its password is not shown."""
    server = pages.load_mail_server()
    names = ("host", "port", "security", "user", "sender")
    values = {name: getattr(server, name) for name in names} if server else {"port": 587}
    return show("console/alerts/mail.html", form=MailServerForm(**values))


@blueprint.post("/mail")
@allow(Rule.OWNER)
def set_mail(actor: Actor) -> Response:
    """Store the mail server."""
    form = MailServerForm()
    if not form.validate():
        return show("console/alerts/mail.html", status=400, form=form)
    try:
        pages.save_mail_server(current_services(), actor, form)
    except ConfigurationError as error:
        explain(form, error)
        return show("console/alerts/mail.html", status=400, form=form)
    return go("alerts.list_all", "The mail server is kept: send a test to a channel by e-mail.")
