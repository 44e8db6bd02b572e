"""Which LMSs do not take scores right now, and how far each SCORM Cloud account was looked through.

From rows, so that every process of every node says the same.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from ...audit.actor import Scope
from ...core.db import db
from ...passback.models import Score, ScoreTry, SweepCursor
from ...passback.rules.score_states import QUEUED
from ...platforms.models import Platform, ScormAccount
from ...registrations.models import Grade
from .attention import COUNTED_AT_MOST, mine

LATE = timedelta(minutes=5)


@dataclass(frozen=True)
class Failing:
    """An LMS with scores that were tried and still wait."""

    platform: str
    scores: int
    tried_at: datetime


@dataclass(frozen=True)
class Swept:
    """How far the sweep of one account has come; `late` when its next round is overdue."""

    account: str
    until: datetime | None
    late: bool


def find_failing(scope: Scope) -> list[Failing]:
    """Return the platforms whose scores are tried again. Reads in the caller's transaction."""
    some = (
        select(Grade.platform_id, Score.id)
        .join(Grade, Grade.id == Score.grade_id)
        .where(Score.state == QUEUED, *mine(scope))
        .limit(COUNTED_AT_MOST)
        .subquery()
    )
    query = (
        select(Platform.name, func.count(some.c.id.distinct()), func.max(ScoreTry.tried_at))
        .join(some, some.c.platform_id == Platform.id)
        .join(ScoreTry, ScoreTry.score_id == some.c.id)
        .group_by(Platform.name)
        .order_by(Platform.name)
    )
    return [Failing(*row) for row in db.session.execute(query)]


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
