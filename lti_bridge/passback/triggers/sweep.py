"""The sweep: one bulk query per SCORM Cloud account finds changes that were not announced."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from ...core.db import db, reading, write
from ...core.errors import BridgeError
from ...core.leases import LeaseLost, Leases, none_or_past
from ...platforms.accounts import list_accounts
from ...platforms.models import ScormAccount
from ...registrations.grade_updates import (
    lock_grades,
    mark_due,
    store_progress,
    trail,
    wake,
)
from ...registrations.models import OF_SAME_GRADE, Grade, Registration
from ...scorm_cloud.client import RegistrationPage
from ...scorm_cloud.progress import Progress, Result
from ...services import Services
from ..models import CURSOR
from ..pipeline.read_progress import describe

LEASE = timedelta(seconds=60)
OVERLAP = timedelta(minutes=15)
FIRST_SINCE = timedelta(days=7)
RECHECKS = (timedelta(hours=1), timedelta(hours=24), timedelta(days=7))
RECHECKS_AT_ONCE = 100
LEASES = Leases(
    CURSOR,
    none_or_past(CURSOR.c.next_sweep_at),
    key="scorm_account_id",
    returning=("since",),
)
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Sweep:
    account: ScormAccount
    token: str
    since: datetime
    started_at: datetime


def sweep_accounts(services: Services) -> int:
    """Sweep all due accounts that no other node sweeps; returns the number of changes."""
    with reading():
        accounts = list_accounts()
    changed = 0
    for account in accounts:
        try:
            changed += sweep_account(services, account)
        except BridgeError as error:
            _note_failure(services, account, str(error))
            logger.warning("the sweep of account %s stopped: %s", account.name, error)
        except Exception as error:  # one account must not stop the others
            _note_failure(services, account, type(error).__name__)
            logger.exception("the sweep of account %s stopped", account.name)
    return changed


def _note_failure(services: Services, account: ScormAccount, failure: str) -> None:
    db.session.rollback()
    services.events.publish("sweep_failed", account=account.id, failure=failure)


def sweep_account(services: Services, account: ScormAccount) -> int:
    """Sweep one account, repeatedly if a sweep takes longer than the interval."""
    changed = 0
    while (sweep := _take(services, account)) is not None:
        changed += _sweep(services, sweep)
        seconds = (services.now() - sweep.started_at).total_seconds()
        if seconds <= services.settings.scorm_cloud.sweep_seconds:
            break
    return changed


def _take(services: Services, account: ScormAccount) -> _Sweep | None:
    now = services.now()
    lease = LEASES.make_and_take(account.id, now, LEASE)
    db.session.commit()
    if lease is None:
        return None
    return _Sweep(account, lease.token, lease.row.since or now - FIRST_SINCE, now)


def _sweep(services: Services, sweep: _Sweep) -> int:
    """Read all pages; moves the cursor only after the last one, with the lease still held."""
    server_time: datetime | None = None
    changed, asked_at = 0, services.now()
    cloud = services.scorm_cloud(sweep.account)
    for page in cloud.list_changed_registrations(sweep.since):
        if server_time is None:
            server_time = page.server_time or sweep.started_at
        changed += _keep(services, sweep.account, page, asked_at)
        try:
            LEASES.extend(sweep.account.id, sweep.token, services.now() + LEASE)
        except LeaseLost:
            return changed
        db.session.commit()
        asked_at = services.now()
    _move_cursor(services, sweep, server_time or sweep.started_at)
    services.events.publish("sweep", changed=changed, account=sweep.account.id)
    return changed


def _keep(
    services: Services, account: ScormAccount, page: RegistrationPage, asked_at: datetime
) -> int:
    """Store one page's entries as progress; skips unknown registrations."""
    progress = dict(page.items)
    rows = _known(account, list(progress))
    # Overlapping sweeps see most entries twice.
    news = [row for row in rows if not _is_old(row, progress[row.registration_id])]
    lock_grades([row.grade_id for row in news])
    woken = [
        row.grade_id
        for row in news
        if _store(services, row, progress[row.registration_id], asked_at)
    ]
    db.session.commit()
    for grade_id in woken:
        wake(services, grade_id)
    return len(woken)


def _known(account: ScormAccount, names: list[str]) -> list[Any]:
    query = select(
        Registration.id,
        Registration.registration_id,
        Registration.completion,
        Registration.success,
        Registration.score_scaled,
        Registration.seconds_tracked,
        Registration.reported_at,
        Grade.id.label("grade_id"),
    ).join(
        Grade,
        OF_SAME_GRADE,
    )
    mine = Registration.registration_id.in_(names), Registration.scorm_account_id == account.id
    return list(db.session.execute(query.where(*mine)))


def _result(row: Any) -> Result:
    return row.completion, row.success, row.score_scaled


def _is_old(row: Any, progress: Progress) -> bool:
    """Tell whether an entry is older than the row by SCORM Cloud's time, or equal to it."""
    if row.reported_at is not None and progress.updated_at is not None:
        if progress.updated_at < row.reported_at:
            return True
    return _result(row) == progress.result and row.seconds_tracked == progress.seconds


def _store(services: Services, row: Any, progress: Progress, asked_at: datetime) -> bool:
    """Store a list's entry; tells whether its grade became due."""
    now = services.now()
    if store_progress(row.id, progress, asked_at, listed=True):
        trail(row.id, "sweep", describe(progress), asked_at)
        # The entry has the progress, so a send, which decides, is enough.
        mark_due(row.grade_id, "send", now)
        return True
    if _result(row) == progress.result:
        return False
    # It differs from progress read singly, and is not newer by SCORM Cloud's time: read again.
    mark_due(row.grade_id, "read", now)
    return True


def _move_cursor(services: Services, sweep: _Sweep, server_time: datetime) -> None:
    """Move the cursor to the server's time at the start, minus OVERLAP, and free the lease."""
    next_at = sweep.started_at + timedelta(seconds=services.settings.scorm_cloud.sweep_seconds)
    since, now = server_time - OVERLAP, services.now()
    moved = {"since": since, "swept_at": now, "next_sweep_at": next_at}
    LEASES.release(sweep.account.id, sweep.token, moved)
    db.session.commit()


def recheck_unresolved(services: Services) -> int:
    """Make launched registrations without a real score due for single reads (see RECHECKS)."""
    now = services.now()
    query = (
        select(Registration.id, Registration.launched_at, Registration.recheck_at, Grade.id)
        .join(
            Grade,
            OF_SAME_GRADE,
        )
        .where(Registration.recheck_at <= now)
        .order_by(Registration.recheck_at)
        .limit(RECHECKS_AT_ONCE)
    )
    due = db.session.execute(query).all()
    lock_grades([grade_id for *_, grade_id in due])
    woken = []
    for row_id, launched_at, recheck_at, grade_id in due:
        following = _recheck_after(now, launched_at)
        mine = Registration.id == row_id, Registration.recheck_at == recheck_at
        statement = update(Registration).where(*mine).values(recheck_at=following)
        taken = write(statement)
        if taken and _is_unresolved(row_id):
            mark_due(grade_id, "read", now)
            woken.append(grade_id)
    db.session.commit()
    for grade_id in woken:
        wake(services, grade_id)
    return len(woken)


def _recheck_after(now: datetime, launched_at: datetime | None) -> datetime | None:
    if launched_at is None:
        return None
    return next((launched_at + wait for wait in RECHECKS if launched_at + wait > now), None)


def _is_unresolved(row_id: int) -> bool:
    """Tell whether no real score is known."""
    query = select(Registration.best_real_score).where(Registration.id == row_id)
    return db.session.scalar(query) is None
