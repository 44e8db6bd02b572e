"""Launches, completions and grades of each day, and the latency of grades, from rows.

Each number is one index range within the day, so rows of other days cost nothing.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import ceil
from typing import Any

from sqlalchemy import ColumnElement, Date, Select, cast, func, select

from ...audit.actor import Scope
from ...core.db import db
from ...passback.models import Score
from ...passback.rules.score_states import ScoreState
from ...problems.stuck_grades import within
from ...registrations.models import OF_SAME_GRADE, Grade, Launch, Registration
from ...scorm_cloud.progress import Completion, Success

DAYS = 14
TIMED_AT_MOST = 2000  # newest grades, each looked up with its exit
TIMED_FOR = timedelta(days=7)


@dataclass(frozen=True)
class Day:
    """The counts of one day (UTC)."""

    day: date
    launches: int
    completions: int
    grades: int


@dataclass(frozen=True)
class Latency:
    """Time from exit to gradebook of the newest `count` grades."""

    count: int
    median_seconds: float
    p90_seconds: float


def count_days(scope: Scope, now: datetime) -> list[Day]:
    """Return the last days, today last. Reads in the caller's transaction."""
    first = now.astimezone(UTC).date() - timedelta(days=DAYS - 1)
    since = datetime.combine(first, time(), UTC)
    launches = _per_day(scope, Launch.launched_at, since, _launches)
    judged = Registration.success != Success.UNKNOWN
    done = judged | (Registration.completion == Completion.COMPLETED)
    completions = _per_day(scope, Registration.progress_changed_at, since, _registrations, done)
    accepted = Score.state == ScoreState.ACCEPTED
    grades = _per_day(scope, Score.finished_at, since, _scores, accepted)
    days = [first + timedelta(days=number) for number in range(DAYS)]
    return [Day(day, launches[day], completions[day], grades[day]) for day in days]


def _per_day(
    scope: Scope, moment: Any, since: datetime, limit: Any, *conditions: ColumnElement[bool]
) -> Counter[date]:
    day = func.date(moment) if _is_sqlite() else cast(func.timezone("UTC", moment), Date)
    query = select(day, func.count()).where(moment >= since, *conditions).group_by(day)
    if scope.platform_id is not None:
        query = limit(query, scope)
    found: Counter[date] = Counter()
    for at, count in db.session.execute(query):
        found[date.fromisoformat(at) if isinstance(at, str) else at] = count
    return found


def _is_sqlite() -> bool:
    return db.engine.dialect.name == "sqlite"


def _launches(query: Select[Any], scope: Scope) -> Select[Any]:
    registrations = query.join(Registration, Registration.id == Launch.registration_id)
    return _registrations(registrations, scope)


def _registrations(query: Select[Any], scope: Scope) -> Select[Any]:
    return query.join(
        Grade,
        OF_SAME_GRADE,
    ).where(*within(scope))


def _scores(query: Select[Any], scope: Scope) -> Select[Any]:
    return query.join(Grade, Grade.id == Score.grade_id).where(*within(scope))


def measure_latency(scope: Scope, now: datetime) -> Latency | None:
    """Return the latency of the week's newest grades that followed an exit; None without any.

    Reads in the caller's transaction.
    """
    exited = (
        select(func.max(Launch.exited_at))
        .where(
            Launch.registration_id == Score.registration_id,
            Launch.exited_at <= Score.finished_at,
        )
        .scalar_subquery()
    )
    query = select(Score.finished_at, exited).where(
        Score.finished_at >= now - TIMED_FOR, Score.state == ScoreState.ACCEPTED
    )
    query = query.order_by(Score.finished_at.desc()).limit(TIMED_AT_MOST)
    if scope.platform_id is not None:
        query = query.join(Grade, Grade.id == Score.grade_id).where(*within(scope))
    found = db.session.execute(query).all()
    took = sorted((end - left).total_seconds() for end, left in found if end and left)
    if not took:
        return None
    return Latency(len(took), quantile(took, 0.5), quantile(took, 0.9))


def quantile(values: Sequence[float], share: float) -> float:
    """Return the quantile `share` of sorted values, which must not be empty."""
    return values[max(0, ceil(share * len(values)) - 1)]
