"""How far each SCORM Cloud account was looked through.

From rows, so that every process of every node says the same.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from ...core.db import db
from ...passback.models import SweepCursor
from ...platforms.models import ScormAccount

LATE = timedelta(minutes=5)


@dataclass(frozen=True)
class Swept:
    """How far the sweep of one account has come; `late` when its next round is overdue."""

    account: str
    until: datetime | None
    late: bool


def find_sweeps(now: datetime) -> list[Swept]:
    """Return every account's sweep. Reads in the caller's transaction."""
    query = (
        select(ScormAccount.name, SweepCursor.since, SweepCursor.next_sweep_at)
        .join(SweepCursor, SweepCursor.scorm_account_id == ScormAccount.id)
        .order_by(ScormAccount.name)
    )
    return [
        Swept(name, since, next_at is not None and next_at < now - LATE)
        for name, since, next_at in db.session.execute(query)
    ]
