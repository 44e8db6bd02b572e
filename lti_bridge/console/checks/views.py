"""The console's views of self-tests: run one, and show the stored results."""

from flask import Blueprint, Response

from ...audit.actor import Actor
from ...core.db import reading
from ...ops.kept_checks import (
    BRIDGE,
    FAILED,
    OK,
    account_subject,
    kept_checks,
    platform_subject,
)
from ...platforms.accounts import list_accounts
from ...platforms.models import Platform
from ...platforms.registry import list_platforms
from ...services import current_services
from ..access import Rule, allow, not_found
from ..layout import go, show
from .run import run_check

blueprint = Blueprint("checks", __name__, url_prefix="/console/checks")
SAID = {OK: ("Everything is in order.", "good"), FAILED: ("Something is wrong: see below.", "bad")}
LOOK = ("It works; something is worth a look.", "wait")


@blueprint.get("")
@allow(Rule.OWNER)
def show_all(actor: Actor) -> Response:
    """The newest result of every self-test."""
    with reading():
        kept = kept_checks()
        tested = [(BRIDGE, "The bridge")]
        tested += [(account_subject(a.id), f"Account {a.name}") for a in list_accounts()]
        tested += [(platform_subject(p.id), p.name) for p in _enabled()]
    return show(
        "console/checks/checks.html", tested=[(name, kept.get(key)) for key, name in tested]
    )


@blueprint.post("")
@allow(Rule.OWNER)
def run_all(actor: Actor) -> Response:
    """Test the bridge, every account and every platform that may launch."""
    services = current_services()
    with reading():
        accounts, platforms = list_accounts(), _enabled()
        numbers = [row.id for row in accounts], [row.id for row in platforms]
    marks = [run_check(services, actor, BRIDGE)]
    marks += [run_check(services, actor, account_subject(number)) for number in numbers[0]]
    marks += [run_check(services, actor, platform_subject(number)) for number in numbers[1]]
    worst = FAILED if FAILED in marks else next((m for m in marks if m != OK), OK)
    notice, tone = SAID.get(worst, LOOK)
    return go("checks.show_all", notice, tone=tone)


@blueprint.post("/platforms/<int:platform_id>")
@allow(Rule.SIGNED_IN)
def run_platform(actor: Actor, platform_id: int) -> Response:
    """Test one platform that the actor may see."""
    if not actor.scope.covers(platform_id):
        raise not_found()
    notice, tone = SAID.get(
        run_check(current_services(), actor, platform_subject(platform_id)), LOOK
    )
    return go("platform_pages.one", notice, tone=tone, platform_id=platform_id)


@blueprint.post("/accounts/<int:account_id>")
@allow(Rule.OWNER)
def run_account(actor: Actor, account_id: int) -> Response:
    """Test one SCORM Cloud account."""
    notice, tone = SAID.get(run_check(current_services(), actor, account_subject(account_id)), LOOK)
    return go("accounts.one", notice, tone=tone, account_id=account_id)


def _enabled() -> list[Platform]:
    return [row for row in list_platforms() if row.disabled_at is None]
