"""Base class, fields and validators of the console's forms, and the forms of accounts."""

from typing import Any

from flask import request
from wtforms import Form, HiddenField, PasswordField, StringField, ValidationError
from wtforms.validators import DataRequired, Length, Optional

from ..platforms.connection_values import is_address


class ConsoleForm(Form):
    """A form with the posted values or, without a POST, the given defaults.

    `chosen` replaces the posted values, for example by query parameters. `problem` is shown above
    the fields. `access.allow` has checked the csrf_token before.
    """

    problem: str = ""

    def __init__(self, *, chosen: Any = None, **defaults: Any) -> None:
        posted = request.form if request.method == "POST" else None
        super().__init__(chosen or posted, **defaults)


def explain(form: ConsoleForm, error: Exception) -> None:
    """Show a failure above the form's fields, as a sentence."""
    form.problem = sentence(error)


def sentence(error: Exception) -> str:
    """Return a failure's message as a sentence."""
    text = str(error).strip().rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."


def autocomplete(kind: str) -> dict[str, Any]:
    """Return the render arguments with a field's autocomplete attribute."""
    return {"autocomplete": kind}


class SignInForm(ConsoleForm):
    """Name and password."""

    name = StringField("Name", [Length(max=100)], render_kw=autocomplete("username"))
    password = PasswordField("Password", render_kw=autocomplete("current-password"))
    next = HiddenField("", [Optional()])


class WelcomeForm(ConsoleForm):
    """A new account, or a new password for one."""

    invite = HiddenField("")
    name = StringField(
        "Name",
        description="What you sign in with, such as your email address.",
        render_kw=autocomplete("username"),
    )
    password = PasswordField(
        "Password",
        description="At least 12 characters; four random words are a good one.",
        render_kw=autocomplete("new-password"),
    )
    again = PasswordField("Password again", render_kw=autocomplete("new-password"))


class PasswordForm(ConsoleForm):
    """One's own new password."""

    old = PasswordField("Old password", render_kw=autocomplete("current-password"))
    password = PasswordField(
        "New password",
        description="At least 12 characters; four random words are a good one.",
        render_kw=autocomplete("new-password"),
    )
    again = PasswordField("New password again", render_kw=autocomplete("new-password"))


def strip(value: str | None) -> str:
    """Strip white space that was copied with a value."""
    return (value or "").strip()


def web_address(_form: Form, field: StringField) -> None:
    """Refuse a value that is not an http(s) URL."""
    if field.data and not is_address(field.data):
        raise ValidationError("This must be an address that begins with https:// (or http://).")


def text_field(label: str, help_text: str = "", *, at_most: int = 255, **more: Any) -> StringField:
    """Return a field that must be filled in."""
    rules = [DataRequired("Fill this in."), Length(max=at_most), *more.pop("rules", ())]
    kw = {"autocomplete": "off", **more}
    return StringField(label, rules, filters=[strip], description=help_text, render_kw=kw)


def address_field(label: str, help_text: str = "", *, at_most: int = 500) -> StringField:
    """Return a field for an address that must be filled in."""
    return text_field(label, help_text, at_most=at_most, rules=[web_address], inputmode="url")


SECRET_HELP = "It is kept encrypted and never shown again."
CLOUD_URL = "https://cloud.scorm.com/api/v2"


class AccountForm(ConsoleForm):
    """A SCORM Cloud account."""

    name = text_field("Name", "What this bridge calls it, such as “main”.", at_most=80)
    base_url = address_field("Address of the API", f"SCORM Cloud's own is {CLOUD_URL}.")
    app_id = text_field("App id", "In SCORM Cloud: Apps / API.")
    secret_key = PasswordField(
        "Secret key",
        [DataRequired("Fill this in."), Length(max=500)],
        filters=[strip],
        description=SECRET_HELP,
        render_kw=autocomplete("off"),
    )

    def __init__(self, **defaults: Any) -> None:
        super().__init__(**{"base_url": CLOUD_URL, **defaults})


class AccountSecretForm(ConsoleForm):
    """Another address or secret of an account."""

    base_url = address_field("Address of the API")
    secret_key = PasswordField(
        "Secret key",
        [DataRequired("Fill this in, also when only the address changes."), Length(max=500)],
        filters=[strip],
        description=SECRET_HELP,
        render_kw=autocomplete("off"),
    )
