"""Run a self-test and store its result."""

from collections.abc import Callable, Iterable
from functools import partial

from ...audit.actor import Actor
from ...audit.log import record
from ...core.db import db, reading
from ...ops.kept_checks import BRIDGE, account_subject, keep_check, platform_subject
from ...ops.selftest import CheckLine, check_account, check_bridge, check_platform
from ...platforms.models import Platform, ScormAccount
from ...services import Services
from ..access import not_found


def run_check(services: Services, actor: Actor, subject: str) -> str:
    """Run the self-test of the bridge, of an account or of a platform; returns its worst mark.

    `subject` is one of ops/kept_checks.py. Commits. Raises ConsoleRefused when there is no such
    row.
    """
    if subject == BRIDGE:
        return _run(services, actor, subject, partial(check_bridge, services))
    number = int(subject.rpartition(" ")[2])
    if subject == account_subject(number):
        with reading():
            account = db.session.get(ScormAccount, number)
        if account is None:
            raise not_found()
        return _run(services, actor, subject, partial(check_account, services, account))
    assert subject == platform_subject(number)
    platform = db.session.get(Platform, number)
    if platform is None:
        raise not_found()
    return _run(services, actor, subject, partial(check_platform, services, platform), number)


def _run(
    services: Services,
    actor: Actor,
    subject: str,
    check: Callable[[], Iterable[CheckLine]],
    platform_id: int | None = None,
) -> str:
    """Run one self-test and store its result; returns its worst mark. Commits."""
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
