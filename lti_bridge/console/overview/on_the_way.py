"""Work in progress; each query is bounded by an index."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from ...audit.actor import Actor, Scope
from ...core.db import db, reading
from ...core.errors import Unavailable
from ...passback.models import Score
from ...passback.rules.score_states import ScoreState
from ...platforms.models import Platform
from ...problems.stuck_grades import within
from ...registrations.models import Grade
from ...services import Services

COUNTED_AT_MOST = 1000


@dataclass(frozen=True)
class Overview:
    """Work in progress. Counts end at `COUNTED_AT_MOST`."""

    platforms: int
    queued: int
    due: int
    oldest_due_at: datetime | None
    jobs: int | None  # None: the queue does not answer
    now: datetime


def load_overview(services: Services, actor: Actor) -> Overview:
    """Return what the actor's overview shows."""
    now = services.now()
    with reading():
        oldest, due = _due(actor.scope, now)
        return Overview(
            platforms=_count_platforms(actor.scope),
            queued=_count_scores(actor.scope, ScoreState.QUEUED),
            due=due,
            oldest_due_at=oldest,
            jobs=_jobs(services) if actor.is_owner else None,
            now=now,
        )


def _count_scores(scope: Scope, state: str) -> int:
    some = (
        select(Score.id)
        .join(Grade, Grade.id == Score.grade_id)
        .where(Score.state == state, *within(scope))
        .limit(COUNTED_AT_MOST)
        .subquery()
    )
    return db.session.scalar(select(func.count()).select_from(some)) or 0


def _due(scope: Scope, now: datetime) -> tuple[datetime | None, int]:
    """Return since when the oldest grade has been due, and the number of due grades."""
    moments: list[datetime] = []
    for due_at in (Grade.next_read_at, Grade.next_send_at):
        query = select(due_at).where(due_at <= now, *within(scope)).order_by(due_at)
        moments += [one for one in db.session.scalars(query.limit(COUNTED_AT_MOST)) if one]
    return min(moments, default=None), min(len(moments), COUNTED_AT_MOST)


def _count_platforms(scope: Scope) -> int:
    query = select(func.count(Platform.id)).where(Platform.disabled_at.is_(None))
    if scope.platform_id is not None:
        query = query.where(Platform.id == scope.platform_id)
    return db.session.scalar(query) or 0


def _jobs(services: Services) -> int | None:
    try:
        return services.queue.size()
    except Unavailable:
        return None
