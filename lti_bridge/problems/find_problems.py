"""All current problems, found from rows."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select

from ..audit.actor import Scope
from ..core.db import db
from ..platforms.models import Platform
from ..services import Services
from .alerts.models import SeenProblem
from .bridge_problems import find_bridge_problems
from .launch_problems import find_launch_problems
from .lost_grades import find_lost
from .problem import Problem, ProblemKind
from .stuck_grades import find_stuck, tell_stuck

COUNTS = "problem_counts"
COUNTED_EVERY_SECONDS = 10.0
# Kinds that belong to one deployment; the others concern a whole platform.
OF_DEPLOYMENTS = {
    ProblemKind.WAITING,
    ProblemKind.PARKED,
    ProblemKind.NO_COLUMN,
    ProblemKind.GRADES_GONE,
    ProblemKind.GRANTS,
}


def find_problems(services: Services, scope: Scope) -> list[Problem]:
    """Return the problems in a user's scope: serious ones first, then older ones.

    Reads in the caller's transaction.
    """
    begun = _begun()
    found = [_as_begun(one, begun) for one in _find(services, scope) if _is_seen(one, scope)]
    now = services.now()
    return sorted(found, key=lambda one: (not one.serious, one.since or now, one.key))


def _find(services: Services, scope: Scope) -> Iterator[Problem]:
    platforms = {row.id: row for row in db.session.scalars(select(Platform).order_by(Platform.id))}
    yield from find_bridge_problems(services)
    yield from tell_stuck(find_stuck(scope), platforms)
    yield from find_lost(scope, platforms)
    yield from find_launch_problems(services.now(), platforms)


def _begun() -> dict[str, datetime]:
    """Take the start from the stored problems where it is earlier: retried rows lose it."""
    query = select(SeenProblem.key, SeenProblem.since).where(SeenProblem.ended_at.is_(None))
    return {key: since for key, since in db.session.execute(query)}


def _as_begun(problem: Problem, begun: dict[str, datetime]) -> Problem:
    before = begun.get(problem.key)
    if before is None or problem.since is None or problem.since <= before:
        return problem
    return replace(problem, since=before)


def _is_seen(problem: Problem, scope: Scope) -> bool:
    if scope.platform_id is None:
        return True
    mine = problem.platform_id == scope.platform_id
    return mine and (scope.deployment_id is None or problem.kind in OF_DEPLOYMENTS)


class ProblemCounts:
    """The number of serious problems for the menu, cached for some seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[Scope, tuple[float, int]] = {}

    def count(self, services: Services, scope: Scope) -> int:
        """Return the count, updated when it is old. Reads in the caller's transaction."""
        tick = time.monotonic()
        with self._lock:
            known = self._counts.get(scope)
        if known is not None and tick - known[0] < COUNTED_EVERY_SECONDS:
            return known[1]
        return self.keep(scope, find_problems(services, scope))

    def keep(self, scope: Scope, problems: list[Problem]) -> int:
        """Cache and return the count of problems just found."""
        count = sum(1 for one in problems if one.serious)
        with self._lock:
            self._counts[scope] = time.monotonic(), count
        return count
