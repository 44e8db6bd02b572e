"""The console's views of its users: owners' accounts, and LMS admins' requests."""

from flask import Blueprint, Response, request

from ...audit.actor import Actor
from ...core.db import db, reading
from ...people.models import ConsoleAccount
from ...services import current_services
from ..access import Rule, allow, not_found
from ..layout import go, show
from .accounts import OWNER, PASSWORD, list_people, make_invite, set_disabled, welcome_address
from .lms_admins import decide_grant, list_grants, names_of

blueprint = Blueprint("people", __name__, url_prefix="/console")


@blueprint.get("/people")
@allow(Rule.OWNER)
def show_people(actor: Actor) -> Response:
    """The accounts, grants and requests."""
    return _people()


def _people(link: str = "", whose: str = "") -> Response:
    with reading():
        accounts, grants = list_people(), list_grants()
        names = names_of(grants)
    return show(
        "console/people/people.html",
        accounts=accounts,
        grants=grants,
        names=names,
        link=link,
        whose=whose,
    )


@blueprint.post("/people/invite")
@allow(Rule.OWNER)
def invite(actor: Actor) -> Response:
    """Create a one-time link for another owner, or for an owner's new password."""
    services = current_services()
    number = request.form.get("account", type=int)
    account = db.session.get(ConsoleAccount, number) if number is not None else None
    if number is not None and account is None:
        raise not_found()
    kind = OWNER if account is None else PASSWORD
    token = make_invite(kind, now=services.now(), by=actor, account=account)
    link = welcome_address(services, token)
    return _people(link, account.name if account is not None else "a new owner")


@blueprint.post("/people/<int:number>/disable")
@allow(Rule.OWNER)
def disable(actor: Actor, number: int) -> Response:
    """Keep an account from signing in."""
    set_disabled(actor, number, True, now=current_services().now())
    return go("people.show_people", "The account can no longer sign in.")


@blueprint.post("/people/<int:number>/enable")
@allow(Rule.OWNER)
def enable(actor: Actor, number: int) -> Response:
    """Let an account sign in again."""
    set_disabled(actor, number, False, now=current_services().now())
    return go("people.show_people", "The account can sign in again.")


@blueprint.post("/people/grants/<int:number>")
@allow(Rule.OWNER)
def decide(actor: Actor, number: int) -> Response:
    """Grant an LMS admin access to the platform or their deployment, or revoke it."""
    decision = request.form.get("decision", "")
    notice = decide_grant(actor, number, decision, now=current_services().now())
    return go("people.show_people", notice)
