"""Preview and change the grading policy of an activity or a platform."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select

from ...core.db import db
from ...core.plain_text import full_name
from ...platforms.models import Deployment, Platform
from ...registrations.grade_updates import lock_where, mark_all_due, wake
from ...registrations.grading import GradingPolicy, make_policy
from ...registrations.models import Grade, Learner, ResourceLink
from ...services import Services
from ..pipeline.snapshot import load_snapshots
from ..rules.grade_snapshot import GradeSnapshot, attempts_of, found_in_lms, newest_decision
from ..rules.grading_policy import Send, decide

# The overdue round wakes the others.
WAKE_AT_MOST = 200
# Learners per query of names.
NAMED_AT_ONCE = 500
Policy = Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """One grade whose score a policy would change; `before` is None without a decision."""

    grade_id: int
    sub: str
    name: str
    before: float | None
    after: float
    reason: str
    activity: str = ""


def merge_policy(row: ResourceLink | Platform, changes: Policy) -> dict[str, Any]:
    """Return a row's own policy with changes; None removes a value."""
    merged = {**(row.grading_policy or {}), **changes}
    return {key: value for key, value in merged.items() if value is not None}


def preview_policy(services: Services, link: ResourceLink, changes: Policy) -> list[Change]:
    """Return the grades of a link that a policy change would send again.

    Reads in the caller's transaction.
    """
    usual = link.deployment.platform.grading_policy
    wanted = make_policy(services.settings.passback.policy, usual, merge_policy(link, changes))
    return _preview(services, {link.id: wanted})


def preview_platform_policy(
    services: Services, platform: Platform, changes: Policy
) -> list[Change]:
    """Return the grades of a platform that a change of its default policy would send again.

    Reads in the caller's transaction.
    """
    return _preview(services, _changed_links(services, platform, changes))


def _preview(services: Services, wanted: Mapping[int, GradingPolicy]) -> list[Change]:
    """Return the changed grades; `wanted` has each link's new policy by row id."""
    query = select(Grade.id).where(Grade.resource_link_id.in_(list(wanted))).order_by(Grade.id)
    found, now = [], services.now()
    for snapshot in load_snapshots(services, list(db.session.scalars(query))):
        change = _change(snapshot, wanted[snapshot.link_row_id], now)
        if change is not None:
            found.append((change, snapshot.learner_id))
    names = _names([learner_id for _, learner_id in found])
    return [replace(change, name=names.get(learner_id, "")) for change, learner_id in found]


def _change(snapshot: GradeSnapshot, wanted: GradingPolicy, now: datetime) -> Change | None:
    snapshot = replace(snapshot, policy=wanted)
    before = newest_decision(snapshot)
    decision = decide(attempts_of(snapshot, now), wanted, before, found_in_lms(snapshot))
    if not isinstance(decision, Send):
        return None
    return Change(
        grade_id=snapshot.grade_id,
        sub=snapshot.sub,
        name="",
        before=before.score_given if before is not None else None,
        after=decision.score_given,
        reason=decision.reason,
        activity=snapshot.link_title or snapshot.resource_link_id,
    )


def _names(learner_ids: Sequence[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    for start in range(0, len(learner_ids), NAMED_AT_ONCE):
        chosen = Learner.id.in_(learner_ids[start : start + NAMED_AT_ONCE])
        query = select(Learner.id, Learner.first_name, Learner.last_name).where(chosen)
        found |= {row.id: full_name(*row[1:]) for row in db.session.execute(query)}
    return found


def change_policy(services: Services, link: ResourceLink, changes: Policy) -> int:
    """Set a link's policy and make all its grades due, in one transaction; returns how many.

    Workers then decide; only changed scores are sent. Commits.
    """
    return _set(services, link, merge_policy(link, changes), [link.id])


def change_platform_policy(services: Services, platform: Platform, changes: Policy) -> int:
    """Set a platform's default policy and make the grades due that it affects; returns how many.

    An activity's own policy has precedence. Uses the caller's transaction, which must not have
    changed grades or the platform's row before (lock order). Commits.
    """
    changed = _changed_links(services, platform, changes)
    return _set(services, platform, merge_policy(platform, changes), list(changed))


def _set(
    services: Services, row: ResourceLink | Platform, policy: dict[str, Any], links: list[int]
) -> int:
    mine = Grade.resource_link_id.in_(links)
    with db.session.no_autoflush:  # locks grades before their link, like a worker
        grades = lock_where(mine) if links else []
    # Before the grades are due: a worker sees the new policy or is woken again.
    row.grading_policy = policy
    db.session.flush()
    if grades:
        mark_all_due(mine, at=services.now())
    db.session.commit()
    for grade_id in grades[:WAKE_AT_MOST]:
        wake(services, grade_id)
    return len(grades)


def _changed_links(
    services: Services, platform: Platform, changes: Policy
) -> dict[int, GradingPolicy]:
    """Return the new policy of each activity that the platform's change affects, by row id."""
    first, usual = services.settings.passback.policy, merge_policy(platform, changes)
    query = (
        select(ResourceLink.id, ResourceLink.grading_policy)
        .join(Deployment, Deployment.id == ResourceLink.deployment_id)
        .where(Deployment.platform_id == platform.id)
    )
    with db.session.no_autoflush:
        links = db.session.execute(query).all()
    policies = {link_id: make_policy(first, usual, own) for link_id, own in links}
    before = {link_id: make_policy(first, platform.grading_policy, own) for link_id, own in links}
    return {key: policy for key, policy in policies.items() if policy != before[key]}
