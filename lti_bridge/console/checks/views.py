"""Self-tests at the console: one button each, and what they found is kept."""

from collections.abc import Callable, Iterable
from functools import partial

from flask import Blueprint, Response

from ...audit.actor import Actor
from ...audit.log import record
from ...core.db import db, reading
from ...ops.kept_checks import (
    BRIDGE,
    FAILED,
    OK,
    account_subject,
    keep_check,
    kept_checks,
    platform_subject,
)
from ...ops.selftest import CheckLine, check_account, check_bridge, check_platform
from ...platforms.accounts import list_accounts
from ...platforms.models import Platform, ScormAccount
from ...platforms.registry import list_platforms
from ...services import Services, current_services
from ..access import Rule, allow, not_found
from ..layout import go, show

blueprint = Blueprint("checks", __name__, url_prefix="/console/checks")
SAID = {OK: ("Everything is in order.", "good"), FAILED: ("Something is wrong: see below.", "bad")}
LOOK = ("It works; something is worth a look.", "wait")


@blueprint.get("")
@allow(Rule.OWNER)
def show_all(actor: Actor) -> Response:
    """What the newest self-test of everything found."""
    with reading(db.session()):
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
    accounts, platforms = list_accounts(), _enabled()
    numbers = [row.id for row in accounts], [row.id for row in platforms]
    db.session.commit()
    marks = [_run(services, actor, BRIDGE, partial(check_bridge, services))]
    marks += [_account(services, actor, number) for number in numbers[0]]
    marks += [_platform(services, actor, number) for number in numbers[1]]
    worst = FAILED if FAILED in marks else next((m for m in marks if m != OK), OK)
    notice, tone = SAID.get(worst, LOOK)
    return go("checks.show_all", notice, tone=tone)


@blueprint.post("/platforms/<int:platform_id>")
@allow(Rule.SIGNED_IN)
def run_platform(actor: Actor, platform_id: int) -> Response:
    """Test one platform that the actor may see."""
    if not actor.scope.covers(platform_id):
        raise not_found()
    notice, tone = SAID.get(_platform(current_services(), actor, platform_id), LOOK)
    return go("platform_pages.one", notice, tone=tone, platform_id=platform_id)


@blueprint.post("/accounts/<int:account_id>")
@allow(Rule.OWNER)
def run_account(actor: Actor, account_id: int) -> Response:
    """Test one SCORM Cloud account."""
    notice, tone = SAID.get(_account(current_services(), actor, account_id), LOOK)
    return go("accounts.one", notice, tone=tone, account_id=account_id)


def _enabled() -> list[Platform]:
    return [row for row in list_platforms() if row.disabled_at is None]


def _platform(services: Services, actor: Actor, platform_id: int) -> str:
    row = db.session.get(Platform, platform_id)
    if row is None:
        raise not_found()
    check = partial(check_platform, services, row)
    return _run(services, actor, platform_subject(platform_id), check, platform_id)


def _account(services: Services, actor: Actor, account_id: int) -> str:
    row = db.session.get(ScormAccount, account_id)
    if row is None:
        raise not_found()
    db.session.commit()
    return _run(services, actor, account_subject(account_id), partial(check_account, services, row))


def _run(
    services: Services,
    actor: Actor,
    subject: str,
    check: Callable[[], Iterable[CheckLine]],
    platform_id: int | None = None,
) -> str:
    """Run one self-test and keep what it found; returns its worst mark. Commits."""
    found = [
        {"check": one.check, "mark": str(one.mark), "found": one.found, "who": one.who}
        | {"how": one.how}
        for one in check()
    ]
    now = services.now()
    worst = keep_check(subject, found, now=now)
    said = f"ran the self-test: {worst}"
    record(actor, "test", subject, said, now=now, platform_id=platform_id)
    db.session.commit()
    return worst
