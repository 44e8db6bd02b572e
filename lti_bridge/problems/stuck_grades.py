"""Grades that do not reach the gradebook, grouped by cause."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import aliased

from ..audit.actor import Scope
from ..core.db import db
from ..ops.kept_checks import platform_subject
from ..passback.models import Score
from ..passback.rules.reasons import NO_FINAL_GRADE
from ..passback.rules.score_states import ScoreState, Standing
from ..platforms.models import Platform
from ..registrations.models import Grade, ResourceLink
from .causes import Cause, why_parked, why_waiting
from .problem import GRADES_WAIT, Problem, ProblemKind

COUNTED_AT_MOST = 20_000
NAMED_AT_MOST = 10
# Sent again by a user already.
RESENDS = Grade.resend.is_not(None)


@dataclass(frozen=True)
class StuckGrade:
    """One grade that does not reach the gradebook, and since when."""

    grade_id: int
    platform_id: int
    link_id: int
    learner_id: int
    kind: ProblemKind
    cause: Cause
    reason: str
    since: datetime


def within(scope: Scope) -> list[ColumnElement[bool]]:
    """Return the conditions that limit a query of grades to a scope."""
    if scope.platform_id is None:
        return []
    if scope.deployment_id is None:
        return [Grade.platform_id == scope.platform_id]
    links = select(ResourceLink.id).where(ResourceLink.deployment_id == scope.deployment_id)
    return [Grade.resource_link_id.in_(links)]


def find_stuck(scope: Scope) -> list[StuckGrade]:
    """Return the stuck grades in a user's scope, at most `COUNTED_AT_MOST` of each kind.

    Reads in the caller's transaction.
    """
    return [*_waiting(scope), *_parked(scope), *_without_final(scope)]


def _select(since: Any, scope: Scope, *conditions: ColumnElement[bool]) -> Select[Any]:
    # Columns instead of objects: there may be ten thousand.
    return (
        select(
            Grade.id,
            Grade.platform_id,
            Grade.resource_link_id,
            Grade.learner_id,
            Grade.decision_reason,
            Score.reason,
            since.label("since"),
        )
        .join(Score, Score.grade_id == Grade.id)
        .where(*conditions, *within(scope))
        .limit(COUNTED_AT_MOST)
    )


def _waiting(scope: Scope) -> Iterator[StuckGrade]:
    for row in db.session.execute(
        _select(Score.decided_at, scope, Score.state == ScoreState.QUEUED)
    ):
        reason = row.decision_reason or ""
        cause = why_waiting(reason)
        if cause is not None:
            yield _stuck(row, ProblemKind.WAITING, cause, reason)


def _parked(scope: Scope) -> Iterator[StuckGrade]:
    since = func.coalesce(Grade.parked_at, Score.finished_at, Score.decided_at)
    for row in db.session.execute(
        _select(since, scope, Score.state == ScoreState.PARKED, ~RESENDS)
    ):
        cause = why_parked(row.reason)
        yield _stuck(row, ProblemKind.PARKED, cause, row.reason)


def _without_final(scope: Scope) -> Iterator[StuckGrade]:
    """Select scores that the LMS accepted without showing a grade; they are not resent."""
    newer = aliased(Score)
    later = select(newer.id).where(
        newer.grade_id == Score.grade_id, newer.sequence > Score.sequence
    )
    mine = Score.standing == Standing.NO_FINAL, Score.state == ScoreState.ACCEPTED, ~later.exists()
    since = func.coalesce(Score.finished_at, Score.decided_at)
    for row in db.session.execute(_select(since, scope, *mine, ~RESENDS)):
        yield _stuck(row, ProblemKind.PARKED, why_parked(NO_FINAL_GRADE), row.reason)


def _stuck(row: Any, kind: ProblemKind, cause: Cause, reason: str) -> StuckGrade:
    return StuckGrade(
        grade_id=row.id,
        platform_id=row.platform_id,
        link_id=row.resource_link_id,
        learner_id=row.learner_id,
        kind=ProblemKind.NO_COLUMN if cause.without_column else kind,
        cause=cause,
        reason=reason,
        since=row.since,
    )


def tell_stuck(stuck: Iterable[StuckGrade], platforms: dict[int, Platform]) -> list[Problem]:
    """Return one problem for each platform and cause."""
    groups: dict[tuple[int, ProblemKind, str], list[StuckGrade]] = {}
    for one in stuck:
        groups.setdefault((one.platform_id, one.kind, one.cause.key), []).append(one)
    return [_problem(group, platforms[group[0].platform_id]) for group in groups.values()]


def _problem(group: list[StuckGrade], platform: Platform) -> Problem:
    first = group[0]
    cause, links = first.cause, Counter(one.link_id for one in group)
    newest = max(group, key=lambda one: one.since).reason
    # The LMS itself fails: alert earlier.
    at_once = first.kind is ProblemKind.WAITING
    return Problem(
        kind=first.kind,
        subject=platform_subject(platform.id),
        cause=cause.key,
        what=f"{platform.name} {cause.what}",
        detail=newest if newest not in cause.what else "",
        since=min(one.since for one in group),
        who=cause.who,
        how=cause.how,
        learners=len({one.learner_id for one in group}),
        # No alert about an LMS that is disabled here.
        serious=cause.serious and platform.disabled_at is None,
        told_after=timedelta() if at_once else GRADES_WAIT,
        platform_id=platform.id,
        row_id=platform.id,
        activities=tuple(links.most_common(NAMED_AT_MOST)),
    )
