"""The console's views of SCORM Cloud accounts, for owners."""

from flask import Blueprint, Response

from ...audit.actor import Actor
from ...core.errors import ConfigurationError
from ...services import current_services
from ..access import Rule, allow
from ..forms import AccountForm, AccountSecretForm, explain
from ..layout import go, show
from .pages import add_account, drop_account, load_account, load_accounts

blueprint = Blueprint("accounts", __name__, url_prefix="/console/accounts")


@blueprint.get("")
@allow(Rule.OWNER)
def list_all(actor: Actor) -> Response:
    """Every account, and what uses it."""
    return show("console/accounts/list.html", accounts=load_accounts())


@blueprint.get("/new")
@allow(Rule.OWNER)
def ask_new(actor: Actor) -> Response:
    """Ask for an account's keys."""
    return show("console/accounts/new.html", form=AccountForm())


@blueprint.post("/new")
@allow(Rule.OWNER)
def add(actor: Actor) -> Response:
    """Test the keys at SCORM Cloud and store the account."""
    form = AccountForm()
    if not form.validate():
        return show("console/accounts/new.html", status=400, form=form)
    values = (form.name.data, form.base_url.data, form.app_id.data, form.secret_key.data)
    try:
        add_account(current_services(), actor, *(str(value) for value in values))
    except ConfigurationError as error:
        explain(form, error)
        return show("console/accounts/new.html", status=400, form=form)
    return go("accounts.list_all", "SCORM Cloud takes these keys; the account is ready.")


@blueprint.get("/<int:account_id>")
@allow(Rule.OWNER)
def one(actor: Actor, account_id: int) -> Response:
    """One account: what it is used for, its self-test, and a new secret for it."""
    account = load_account(account_id)
    form = AccountSecretForm(base_url=account.row.base_url)
    return show("console/accounts/account.html", account=account, form=form)


@blueprint.post("/<int:account_id>")
@allow(Rule.OWNER)
def change(actor: Actor, account_id: int) -> Response:
    """Test a new address or secret at SCORM Cloud and store it."""
    account, form = load_account(account_id), AccountSecretForm()
    if not form.validate():
        return show("console/accounts/account.html", status=400, account=account, form=form)
    values = str(form.base_url.data), account.row.app_id, str(form.secret_key.data)
    try:
        add_account(current_services(), actor, account.row.name, *values)
    except ConfigurationError as error:
        explain(form, error)
        return show("console/accounts/account.html", status=400, account=account, form=form)
    notice = "SCORM Cloud takes the new values; they hold at once."
    return go("accounts.one", notice, account_id=account_id)


@blueprint.post("/<int:account_id>/remove")
@allow(Rule.OWNER)
def remove(actor: Actor, account_id: int) -> Response:
    """Remove an unused account."""
    name = drop_account(current_services(), actor, account_id)
    return go("accounts.list_all", f"The account {name} was removed.")
