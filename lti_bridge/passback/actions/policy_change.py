"""Change a resource link's grading policy: what would change first, then the change itself."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select

from ...core.db import db
from ...core.leases import LeaseLost
from ...registrations.grade_updates import lock_where, mark_all_due, wake
from ...registrations.models import Grade, ResourceLink
from ...services import Services
from ..pipeline.snapshot import load_snapshot
from ..rules.grade_snapshot import GradeSnapshot, attempts_of, found_in_lms, newest_decision
from ..rules.grading_policy import GradingPolicy, Send, decide, make_policy

# So many are woken at once; the overdue round finds the others.
WAKE_AT_MOST = 200


@dataclass(frozen=True)
class Change:
    """One grade that a policy would send anew; `before` is None when nothing was decided yet."""

    grade_id: int
    sub: str
    name: str
    before: float | None
    after: float
    reason: str


def merge_policy(link: ResourceLink, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the link's own policy with changes; a change to None takes a value back."""
    merged = {**(link.grading_policy or {}), **changes}
    return {key: value for key, value in merged.items() if value is not None}


def preview_policy(
    services: Services, link: ResourceLink, changes: Mapping[str, Any]
) -> list[Change]:
    """Return every grade of the link whose answer the changed policy would change.

    Reads only; the transaction stays the caller's.
    """
    first, usual = services.settings.passback.policy, link.deployment.platform.grading_policy
    wanted = make_policy(first, usual, merge_policy(link, changes))
    query = select(Grade.id).where(Grade.resource_link_id == link.id).order_by(Grade.id)
    found = []
    for grade_id in list(db.session.scalars(query)):
        try:
            snapshot = load_snapshot(services, grade_id)
        except LeaseLost:  # erased in this moment
            continue
        change = _change(snapshot, wanted, services)
        if change is not None:
            found.append(change)
    return found


def _change(snapshot: GradeSnapshot, wanted: GradingPolicy, services: Services) -> Change | None:
    snapshot = replace(snapshot, policy=wanted)
    before = newest_decision(snapshot)
    attempts = attempts_of(snapshot, services.now())
    decision = decide(attempts, wanted, before, found_in_lms(snapshot))
    if not isinstance(decision, Send):
        return None
    learner = db.session.get_one(Grade, snapshot.grade_id).learner
    return Change(
        grade_id=snapshot.grade_id,
        sub=learner.sub,
        name=" ".join(part for part in (learner.first_name, learner.last_name) if part),
        before=before.score_given if before is not None else None,
        after=decision.score_given,
        reason=decision.reason,
    )


def change_policy(services: Services, link: ResourceLink, changes: Mapping[str, Any]) -> int:
    """Set the link's policy and make all its grades due in the same transaction; returns how many.

    Each worker decides for itself; only answers that differ are sent. Commits.
    """
    link_id = link.id
    with db.session.no_autoflush:  # a worker locks a grade before its link, and so do we
        grades = lock_where(Grade.resource_link_id == link_id)
    # Before they are due: a worker that decides meanwhile sees the new policy or is woken after it.
    link.grading_policy = merge_policy(link, changes)
    db.session.flush()
    mark_all_due(Grade.resource_link_id == link_id, at=services.now())
    db.session.commit()
    for grade_id in grades[:WAKE_AT_MOST]:
        wake(services, grade_id)
    return len(grades)
