"""Forms of alerts: e-mail channels, webhooks, and the mail server."""

import re
from typing import Any

from wtforms import (
    BooleanField,
    IntegerField,
    PasswordField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from ...problems.alerts.evaluate import DIGEST_HOUR
from ...problems.alerts.mail import NO_TLS, STARTTLS, TLS
from ...problems.alerts.models import JSON_FORM, SLACK, TEAMS
from ..forms import SECRET_HELP, ConsoleForm, autocomplete, strip, text_field, web_address
from ..platforms.forms import choose

MOST_RECIPIENTS = 20
MAILBOX = re.compile(r"[!#-'*+\-./-9=?A-Z^-~]+@[A-Za-z0-9.-]+", re.ASCII)
LONGEST_MAILBOX = 254
FORM_WORDS = {
    JSON_FORM: "Signed JSON",
    SLACK: "Slack, Mattermost, Rocket.Chat or Google Chat",
    TEAMS: "Microsoft Teams (a workflow's webhook)",
}
SECURITY_WORDS = {
    STARTTLS: "STARTTLS (usually port 587)",
    TLS: "TLS (usually port 465)",
    NO_TLS: "None: for a server on this machine or in its own network (usually port 25)",
}
NAME_HELP = "What this bridge calls it, such as “on duty”."
DIGEST_LABEL = f"A message every day at {DIGEST_HOUR:02}:00 UTC, also when nothing is wrong"
DIGEST_HELP = "What is open, and how many grades arrived in the last 24 hours."
KEEP_HELP = f"{SECRET_HELP} Leave it empty to keep the one that is set."


def is_mailbox(text: str) -> bool:
    """Tell whether a text is an e-mail address without a display name."""
    return len(text) <= LONGEST_MAILBOX and MAILBOX.fullmatch(text) is not None


class EmailChannelForm(ConsoleForm):
    """Who gets alerts by e-mail."""

    name = text_field("Name", NAME_HELP, at_most=80)
    recipients = TextAreaField(
        "E-mail addresses",
        [DataRequired("Fill this in.")],
        description="One on each line. Each of them sees the others.",
        render_kw={"rows": "3", "spellcheck": "false"},
    )
    digest = BooleanField(DIGEST_LABEL, description=DIGEST_HELP)

    def validate_recipients(self, _field: TextAreaField) -> None:
        """Refuse a line that is not an address."""
        for line in self.mailboxes():
            if not is_mailbox(line):
                raise ValidationError(f"“{line}” is no e-mail address: write the address alone.")
        if len(self.mailboxes()) > MOST_RECIPIENTS:
            raise ValidationError(f"At most {MOST_RECIPIENTS} addresses.")

    def mailboxes(self) -> list[str]:
        """Return the addresses, each once."""
        lines = (line.strip() for line in (self.recipients.data or "").splitlines())
        return list(dict.fromkeys(line for line in lines if line))


class WebhookForm(ConsoleForm):
    """Which address takes alerts, and in which form."""

    name = text_field("Name", NAME_HELP, at_most=80)
    url = StringField(
        "Address of the webhook",
        [Length(max=500), web_address],
        filters=[strip],
        description=KEEP_HELP,
        render_kw={"autocomplete": "off", "inputmode": "url", "spellcheck": "false"},
    )
    form = choose("It takes", list(FORM_WORDS.items()))
    digest = BooleanField(DIGEST_LABEL, description=DIGEST_HELP)

    def need_address(self) -> bool:
        """Require the address, for a new webhook; tells whether the form is valid."""
        if self.validate() and not self.url.data:
            self.url.errors = ["Fill this in."]
        return not self.errors


class MailServerForm(ConsoleForm):
    """The SMTP server: address, security and credentials."""

    host = text_field("Server", "Its name, such as smtp.school.example.")
    port = IntegerField(
        "Port", [InputRequired("Fill this in."), NumberRange(1, 65535, "This must be a port.")]
    )
    security = choose("Security", list(SECURITY_WORDS.items()))
    user = StringField(
        "User",
        [Optional(), Length(max=255)],
        filters=[strip],
        description="Leave it empty when the server asks for no sign-in.",
        render_kw=autocomplete("off"),
    )
    password = PasswordField(
        "Password",
        [Length(max=500)],
        description=KEEP_HELP,
        render_kw=autocomplete("off"),
    )
    sender = text_field("Sender", "The e-mail address that the messages come from.")

    def validate_host(self, field: StringField) -> None:
        """Refuse a URL in place of a host name."""
        if not re.fullmatch(r"[A-Za-z0-9.:_-]+", field.data or ""):
            raise ValidationError("This must be the name of a machine, without https:// or a port.")

    def validate_user(self, field: StringField) -> None:
        """Refuse credentials without TLS."""
        if field.data and self.security.data == NO_TLS:
            raise ValidationError(
                "With a user, choose STARTTLS or TLS: the password would travel in the open."
            )

    def validate_sender(self, field: Any) -> None:
        """Refuse an invalid address."""
        if not is_mailbox(field.data or ""):
            raise ValidationError("This must be an e-mail address, without a name beside it.")
