"""How a try at an erasure ends: stopped, finished or left open; written under its lease."""

import random
from datetime import datetime, timedelta

from ...core.db import db
from ...passback.rules.retry_policy import Backoff, wait_seconds
from ...services import Services
from ..models import Erasure
from .lease import LEASES, Work, hold, release
from .request import audit
from .scorm_cloud import Outcome

BACKOFF = Backoff(first_seconds=60.0, most_seconds=3600.0)


def stop(services: Services, work: Work, stuck: list[Outcome]) -> None:
    """SCORM Cloud kept something, and nobody said that ours should go without it."""
    reason = " ".join(one.problem for one in stuck)
    if any(one.try_again for one in stuck):
        wait = wait_seconds(work.tries, random.random(), BACKOFF)
        leave_open(work, reason, services.now() + timedelta(seconds=wait))
        return
    hold(services, work)
    row = db.session.get_one(Erasure, work.erasure_id, populate_existing=True)
    row.state, row.reason, row.next_try_at = "stopped", reason[:500], None
    row.remains = {str(one.account_id): list(one.remains) for one in stuck}
    audit(work.asked_by, row.id, f"stopped: {reason}", services.now(), work.platform_id)
    release(work)
    db.session.commit()


def finish(
    services: Services,
    work: Work,
    state: str,
    counts: dict[str, int],
    outcomes: list[Outcome],
    *,
    keep: bool = False,
) -> None:
    """Write down what became of it, in the transaction that deleted our rows. Commits."""
    now = services.now()
    row = db.session.get_one(Erasure, work.erasure_id, populate_existing=True)
    row.state, row.learner_id = state, None
    row.reason = " ".join(s for one in outcomes for s in (one.problem, one.note) if s)[:500] or None
    row.removed = row.removed | counts
    if not keep:
        row.remains = {str(one.account_id): list(one.remains) for one in outcomes if one.remains}
    wait = wait_seconds(work.tries, random.random(), BACKOFF)
    row.next_try_at = now + timedelta(seconds=wait) if state == "open" else None
    if state == "done":
        row.scorm_learner_id, row.finished_at = None, now
    row.lease_token = row.lease_until = None
    audit(work.asked_by, row.id, _told(state, counts), now, work.platform_id)
    db.session.commit()


def _told(state: str, counts: dict[str, int]) -> str:
    what = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
    left = "" if state == "done" else "; SCORM Cloud still has registrations"
    return f"erased {what or 'what SCORM Cloud had'}{left}"


def leave_open(work: Work, reason: str, next_try_at: datetime) -> None:
    """Give everything back, to be taken up again at a moment. Commits."""
    values = {"reason": reason[:500], "next_try_at": next_try_at}
    if LEASES.write(work.erasure_id, work.token, values):
        release(work)
    db.session.commit()
