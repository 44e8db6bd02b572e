"""Run an erasure: delete in SCORM Cloud, then our rows; safe to repeat."""

import logging
import time
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import select, update

from ...audit.actor import Actor
from ...audit.log import OPERATOR
from ...core.db import db, reading, write
from ...core.leases import LeaseLost, none_or_past
from ...platforms.accounts import list_accounts
from ...registrations.models import Learner, Registration
from ...services import Services
from ..models import Erasure, ErasureState
from .delete_rows import CameBack, delete_rows
from .finish import finish, leave
from .lease import BUSY, GradesBusy, Work, hold, take
from .report import IN_SCORM_CLOUD, ErasureReport, get_report
from .request import ask_erasure, audit
from .scorm_cloud import Outcome, Task, clear_account

BUSY_SECONDS = 5.0
PATIENCE = 10  # a worker holds a grade for a second or so
AT_ONCE = 20
logger = logging.getLogger(__name__)


def erase_learner(
    services: Services,
    learner_id: int,
    *,
    asked_by: Actor | str = OPERATOR,
    ours_anyway: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> ErasureReport:
    """Erase a learner in SCORM Cloud and here, as far as possible now; returns the report.

    With `ours_anyway` our rows are deleted even if SCORM Cloud refuses. Workers retry what could
    not be reached. Raises ConfigurationError when there is no such learner. Commits.
    """
    erasure_id = ask_erasure(services, learner_id, asked_by=asked_by, ours_anyway=ours_anyway)
    report = work_erasure(services, erasure_id)
    for _ in range(PATIENCE):
        if report.state != ErasureState.OPEN or report.reason != BUSY:
            break
        sleep(1.0)
        report = work_erasure(services, erasure_id)
    return report


def resume_erasures(services: Services) -> int:
    """Continue the erasures that are due; returns how many."""
    now = services.now()
    free = none_or_past(Erasure.lease_until, now)
    is_open = Erasure.state == ErasureState.OPEN
    query = select(Erasure.id).where(is_open, Erasure.next_try_at <= now, free)
    with reading():
        due = list(db.session.scalars(query.order_by(Erasure.next_try_at).limit(AT_ONCE)))
    for erasure_id in due:
        work_erasure(services, erasure_id)
    return len(due)


def work_erasure(services: Services, erasure_id: int) -> ErasureReport:
    """Do what is possible now for an open erasure; returns the report.

    Only the holder of its lease writes, so concurrent calls are safe.
    """
    work = take(services, erasure_id)
    if work is not None:
        try:
            _work(services, work)
        except LeaseLost:
            logger.info("erasure %s is worked by another process now", erasure_id)
        except GradesBusy as busy:
            soon = services.now() + timedelta(seconds=BUSY_SECONDS)
            leave(work, str(busy), max(soon, busy.until))
        except CameBack:
            # A launch during the erasure created a registration, which must be deleted too.
            reason = "The learner opened an activity meanwhile; it is tried again."
            leave(work, reason, services.now() + timedelta(seconds=BUSY_SECONDS))
    return get_report(erasure_id)


def _work(services: Services, work: Work) -> None:
    if work.learner_id is None and _has_returned(work):
        reason = "The learner has come back since; erase them anew."
        now, said = services.now(), "stopped: the learner has come back since"
        audit(work.asked_by, work.erasure_id, said, now, work.platform_id)
        leave(work, reason, None, state=ErasureState.PARTLY)
        return
    hold(services, work)
    db.session.commit()
    known = _known(work)
    outcomes = [_clear(services, work, account_id, known) for account_id in _account_ids()]
    stuck = [one for one in outcomes if one.remains]
    erased = None
    if work.learner_id is not None and (work.ours_anyway or not stuck):
        erased = delete_rows(services, work, frozenset().union(*known.values()))
    else:
        hold(services, work)
    finish(services, work, _state(work, stuck, erased is not None), outcomes, erased)


def _state(work: Work, stuck: list[Outcome], erased: bool) -> ErasureState:
    if any(one.try_again for one in stuck):
        return ErasureState.OPEN
    if stuck:
        ours_stay = work.learner_id is not None and not erased
        return ErasureState.STOPPED if ours_stay else ErasureState.PARTLY
    return ErasureState.DONE


def _has_returned(work: Work) -> bool:
    with reading():
        query = select(Learner.id).where(Learner.scorm_learner_id == work.scorm_learner_id)
        return db.session.scalar(query) is not None


def _known(work: Work) -> dict[int, frozenset[str]]:
    """Return registrations in SCORM Cloud by account, from our rows or from `remains`."""
    with reading():
        found: dict[int, set[str]] = {}
        if work.learner_id is None:
            remains = db.session.get_one(Erasure, work.erasure_id).remains
            found = {int(key): set(names) for key, names in remains.items()}
        query = select(Registration.scorm_account_id, Registration.registration_id)
        for account_id, name in db.session.execute(
            query.where(Registration.learner_id == work.learner_id)
        ):
            found.setdefault(account_id, set()).add(name)
    return {account_id: frozenset(names) for account_id, names in found.items()}


def _account_ids() -> list[int]:
    with reading():
        return [account.id for account in list_accounts()]


def _clear(
    services: Services, work: Work, account_id: int, known: dict[int, frozenset[str]]
) -> Outcome:
    with reading():
        (account,) = [one for one in list_accounts() if one.id == account_id]

    def before(call_seconds: float) -> None:
        hold(services, work, call_seconds)
        db.session.commit()

    def deleted(name: str) -> None:
        _note_deleted(services, work, name)

    names = known.get(account_id, frozenset())
    return clear_account(services, Task(account, work.scorm_learner_id, names, before, deleted))


def _note_deleted(services: Services, work: Work, name: str) -> None:
    """Store a deletion, so that a later launch creates the registration again."""
    hold(services, work)
    mine = Registration.registration_id == name, Registration.learner_id == work.learner_id
    statement = update(Registration).where(*mine).values(created_at=None, posted_at=None)
    write(statement)
    row = db.session.get_one(Erasure, work.erasure_id, populate_existing=True)
    row.removed = row.removed | {IN_SCORM_CLOUD: row.removed.get(IN_SCORM_CLOUD, 0) + 1}
    db.session.commit()
