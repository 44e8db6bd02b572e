"""When the last sweep of each SCORM Cloud account ended.

Read from rows, so that every process shows the same.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from ...core.db import db
from ...passback.models import SweepCursor
from ...platforms.models import ScormAccount
from ...problems.bridge_problems import LATE


@dataclass(frozen=True)
class Swept:
    """One account's sweep: the end of the newest complete one, None before the first.

    `ago` is the time since then, in words; `late`: the next sweep is overdue.
    """

    account: str
    swept_at: datetime | None
    ago: str
    late: bool


def find_sweeps(now: datetime) -> list[Swept]:
    """Return every account's sweep. Reads in the caller's transaction."""
    query = (
        select(ScormAccount.name, SweepCursor.swept_at, SweepCursor.next_sweep_at)
        .join(SweepCursor, SweepCursor.scorm_account_id == ScormAccount.id)
        .order_by(ScormAccount.name)
    )
    return [
        Swept(name, at, _say_ago(now, at), next_at is not None and next_at < now - LATE)
        for name, at, next_at in db.session.execute(query)
    ]


def _say_ago(now: datetime, at: datetime | None) -> str:
    """Return the time since a moment in words, in the largest unit of which there are two."""
    seconds = int((now - at).total_seconds()) if at is not None else 0
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{max(0, seconds)} s"
