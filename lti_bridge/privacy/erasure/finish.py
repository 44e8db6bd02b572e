"""The end of a run of an erasure, written under its lease."""

import random
from datetime import datetime, timedelta

from ...core.db import db
from ...passback.rules.retry_policy import Backoff, wait_seconds
from ...services import Services
from ..models import Erasure, ErasureState
from .lease import LEASES, Work, release
from .request import audit
from .scorm_cloud import Outcome

BACKOFF = Backoff(first_seconds=60.0, most_seconds=3600.0)


def finish(
    services: Services,
    work: Work,
    state: ErasureState,
    outcomes: list[Outcome],
    erased: dict[str, int] | None = None,
) -> None:
    """Store the outcome in the transaction that extended the leases. Commits.

    `erased` counts our rows that went in this transaction; None where they stay.
    """
    now = services.now()
    row = db.session.get_one(Erasure, work.erasure_id, populate_existing=True)
    row.state = state
    row.reason = " ".join(s for one in outcomes for s in (one.problem, one.note) if s)[:500] or None
    if state != ErasureState.OPEN or work.learner_id is None or erased is not None:
        row.remains = {str(one.account_id): list(one.remains) for one in outcomes if one.remains}
    wait = wait_seconds(work.tries, random.random(), BACKOFF)
    row.next_try_at = now + timedelta(seconds=wait) if state == ErasureState.OPEN else None
    if erased is not None:
        row.learner_id, row.removed = None, row.removed | erased
    if state == ErasureState.DONE:
        row.scorm_learner_id, row.finished_at = None, now
    if erased is not None or state != ErasureState.OPEN:
        audit(work.asked_by, row.id, _told(row, erased or {}), now, work.platform_id)
    release(work)
    db.session.commit()


def _told(row: Erasure, erased: dict[str, int]) -> str:
    if row.learner_id is not None:
        return f"stopped: {row.reason}"
    what = ", ".join(f"{count} {kind}" for kind, count in erased.items() if count)
    left = "" if row.state == ErasureState.DONE else "; SCORM Cloud still has registrations"
    return f"erased {what or 'what SCORM Cloud had'}{left}"


def leave(work: Work, reason: str, next_try_at: datetime | None, **values: object) -> None:
    """Release the leases, and store why nothing was done. Commits."""
    told = {"reason": reason[:500], "next_try_at": next_try_at, **values}
    if LEASES.write(work.erasure_id, work.token, told):  # before the others, in the order of `hold`
        release(work)
    db.session.commit()
