"""Compare a link's gradebook column with what we delivered, and send again what it has lost."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import aliased

from ...core.db import affected, db
from ...core.errors import BridgeError, Refused
from ...lms.registry import get_lms
from ...lti.values import Granted, LmsResult, PlatformValues
from ...platforms.models import Deployment, Platform
from ...platforms.registry import platform_values
from ...registrations.grade_updates import lock_grades, mark_due, trail, wake
from ...registrations.models import Grade, Learner, ResourceLink
from ...services import Services
from ..models import Score
from ..pipeline.decide_score import LOST
from ..rules.drift import Drift, Ours, Theirs, decide_drift, looks_like_reset
from ..rules.score_states import ACCEPTED

LINKS_AT_ONCE = 5
# A whole class's results, page by page.
READ_SECONDS = 60.0
# What stood in the gradebook once, wherever it is now.
DELIVERED_ONCE = (
    Drift.DELIVERED,
    Drift.OVERRIDDEN,
    Drift.LOST,
    Drift.LOST_AGAIN,
    Drift.CLEARED,
)
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Finding:
    """One learner's grade: what we decided, what the LMS shows, and how they compare."""

    grade_id: int
    sub: str
    name: str
    drift: Drift
    ours: float | None
    theirs: float | None
    sent_again: bool = False


@dataclass(frozen=True)
class _Entry:
    grade_id: int
    registration: int | None
    sub: str
    name: str
    ours: Ours


class Mend(Enum):
    """Which of the grades that the LMS lost are sent again.

    FEW: none of a link when so many are gone that its column was probably reset.
    """

    NONE = "none"
    FEW = "few"
    ALL = "all"


def reconcile_link(services: Services, link_id: int, *, mend: Mend = Mend.FEW) -> list[Finding]:
    """Compare every grade of one link with the LMS, and send the lost ones again.

    A finding says whether its grade is sent again.

    Commits before and after the calls. Raises Refused when the link has no line item or the LMS
    does not let us read, Unavailable when it does not answer.
    """
    column, entries = _load(link_id)
    db.session.commit()
    results = services.gradebook.read_results(
        column.platform,
        column.line_item_url,
        READ_SECONDS,
        granted=column.granted,
        page_size=get_lms(column.platform.dialect).results_per_page,
    )
    findings = _choose([_compare(entry, results) for entry in entries], mend)
    now = services.now()
    lost = [finding for finding in findings if finding.sent_again]
    lock_grades([finding.grade_id for finding in lost])
    done = update(ResourceLink).where(ResourceLink.id == link_id)
    db.session.execute(done.values(reconciled_at=now))
    registrations = {entry.grade_id: entry.registration for entry in entries}
    for finding in lost:
        _send_again(services, finding, registrations[finding.grade_id])
    db.session.commit()
    for finding in lost:
        wake(services, finding.grade_id)
    for drift in {finding.drift for finding in findings}:
        count = sum(1 for finding in findings if finding.drift is drift)
        services.events.publish("reconciled", drift=drift.name.lower(), count=count)
    return findings


def _choose(findings: list[Finding], mend: Mend) -> list[Finding]:
    """Mark the findings whose grades are sent again."""
    lost = sum(1 for finding in findings if finding.drift is Drift.LOST)
    delivered = sum(1 for finding in findings if finding.drift in DELIVERED_ONCE)
    if mend is Mend.NONE or (mend is Mend.FEW and looks_like_reset(lost, delivered)):
        return findings
    return [replace(found, sent_again=found.drift is Drift.LOST) for found in findings]


@dataclass(frozen=True)
class _Column:
    """One gradebook column, and which scopes the LMS grants for it."""

    platform: PlatformValues
    line_item_url: str
    granted: Granted


def _load(link_id: int) -> tuple[_Column, list[_Entry]]:
    link = db.session.get_one(ResourceLink, link_id)
    if link.line_item_url is None:
        db.session.rollback()
        raise Refused("the LMS has not named a gradebook column for this activity")
    newest = aliased(Score)
    sequence = select(func.max(newest.sequence)).where(newest.grade_id == Grade.id)
    # Columns, not objects: a course for everybody has tens of thousands.
    query = (
        select(
            Grade.id,
            Learner.sub,
            Learner.first_name,
            Learner.last_name,
            Score.registration_id,
            Score.score_given,
            Score.state,
            Score.after_loss,
        )
        .join(Learner, Learner.id == Grade.learner_id)
        .outerjoin(
            Score,
            (Score.grade_id == Grade.id)
            & (Score.sequence == sequence.correlate(Grade).scalar_subquery()),
        )
        .where(Grade.resource_link_id == link_id)
        .order_by(Learner.id)
    )
    entries = [_entry(row) for row in db.session.execute(query)]
    platform = platform_values(link.deployment.platform)
    return _Column(platform, link.line_item_url, link.service_scopes), entries


def _entry(row: Any) -> _Entry:
    ours = Ours()
    if row.state is not None:
        ours = Ours(row.score_given, row.state, row.after_loss)
    name = " ".join(part for part in (row.first_name, row.last_name) if part)
    return _Entry(row.id, row.registration_id, row.sub, name, ours)


def _compare(entry: _Entry, results: Mapping[str, LmsResult]) -> Finding:
    result = results.get(entry.sub)
    theirs = Theirs(result is not None, _of_hundred(result))
    drift = decide_drift(entry.ours, theirs)
    return Finding(
        entry.grade_id, entry.sub, entry.name, drift, entry.ours.score_given, theirs.score
    )


def _of_hundred(result: LmsResult | None) -> float | None:
    if result is None or result.score is None:
        return None
    return result.score * 100 / (result.maximum or 100)


def _send_again(services: Services, finding: Finding, registration: int | None) -> None:
    """Only while the newest Score is still the accepted one that the LMS has lost."""
    newest = aliased(Score)
    state = (
        select(newest.state)
        .where(newest.grade_id == Grade.id)
        .order_by(newest.sequence.desc())
        .limit(1)
        .correlate(Grade)
        .scalar_subquery()
    )
    statement = update(Grade).where(Grade.id == finding.grade_id, state == ACCEPTED)
    marked = affected(
        db.session.execute(
            statement.values(resend=LOST).execution_options(synchronize_session=False)
        )
    )
    if not marked:
        return
    mark_due(finding.grade_id, "send", services.now())
    if registration is not None:
        text = "The gradebook no longer has the grade; it is sent again."
        trail(registration, "reconcile", text, services.now())


def reconcile_due(services: Services) -> int:
    """Reconcile the links whose turn it is, a few at a time; returns how many.

    One node per link: whoever moves `reconciled_at` has the turn.
    """
    hours = services.settings.passback.reconcile_hours
    if not hours:
        return 0
    done = 0
    for link_id in _take_turns(services, timedelta(hours=hours)):
        try:
            _tell_of_reset(link_id, reconcile_link(services, link_id))
            done += 1
        except BridgeError as error:
            db.session.rollback()
            logger.warning("link %s could not be compared with the LMS: %s", link_id, error)
    return done


def _tell_of_reset(link_id: int, findings: list[Finding]) -> None:
    held_back = [f for f in findings if f.drift is Drift.LOST and not f.sent_again]
    if held_back:
        logger.warning(
            "link %s: %d grades are gone from the LMS, as after a course reset; nothing is sent. "
            "To send them again: score reconcile --link %s --all-lost",
            link_id,
            len(held_back),
            link_id,
        )


def _take_turns(services: Services, interval: timedelta) -> list[int]:
    now = services.now()
    due = or_(ResourceLink.reconciled_at.is_(None), ResourceLink.reconciled_at <= now - interval)
    delivered = select(Score.id).join(Grade, Grade.id == Score.grade_id)
    delivered = delivered.where(
        Grade.resource_link_id == ResourceLink.id,
        Score.state == ACCEPTED,
        Score.finished_at <= now - interval,
    )
    query = (
        select(ResourceLink.id)
        .join(Deployment, Deployment.id == ResourceLink.deployment_id)
        .join(Platform, Platform.id == Deployment.platform_id)
        .where(
            due,
            ResourceLink.line_item_url.is_not(None),
            Platform.disabled_at.is_(None),
            delivered.exists(),
        )
        .order_by(ResourceLink.reconciled_at.nulls_first())
        .limit(LINKS_AT_ONCE)
    )
    taken = []
    for link_id in list(db.session.scalars(query)):
        mine = update(ResourceLink).where(ResourceLink.id == link_id, due)
        statement = mine.values(reconciled_at=now).execution_options(synchronize_session=False)
        if affected(db.session.execute(statement)):
            taken.append(link_id)
    db.session.commit()
    return taken
