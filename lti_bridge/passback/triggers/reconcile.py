"""Compare a link's gradebook column with what we delivered, and send again what it has lost."""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import aliased

from ...core.db import affected, db
from ...core.errors import BridgeError, NotFound, Refused, Unavailable
from ...lms.registry import get_lms
from ...lti.values import Granted, LmsResult, PlatformValues, same_line_item
from ...platforms.models import Deployment, Platform
from ...platforms.registry import platform_values
from ...registrations.grade_updates import lock_grades, mark_due, trail, wake
from ...registrations.models import Grade, Learner, ResourceLink
from ...services import Services
from ..models import Score
from ..pipeline.find_line_item import TOO_MANY, keep_line_item
from ..rules.drift import Drift, Ours, Theirs, decide_drift, looks_like_reset
from ..rules.plan import LOST
from ..rules.score_states import ACCEPTED, PENDING, QUEUED

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
    column = _load_column(link_id)
    if column.line_item_url is None:
        column = _find_column(services, column)
    db.session.commit()
    try:
        results = _read_column(services, column)
    except NotFound:
        column = _find_column(services, column)
        results = _read_column(services, column)
    entries = _load_entries(column)
    db.session.commit()
    compared = [_compare(entry, results, enrolled=None) for entry in entries]
    if any(finding.drift is Drift.LOST for finding in compared):
        enrolled = _read_enrolled(services, column)
        compared = [_compare(entry, results, enrolled=enrolled) for entry in entries]
    findings = _choose(compared, mend)
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
    """One gradebook column, who is in its course, and which scopes the LMS grants for it."""

    link_id: int
    resource_link_id: str
    platform: PlatformValues
    line_item_url: str | None
    line_items_url: str | None
    memberships_url: str | None
    granted: Granted


def _load_column(link_id: int) -> _Column:
    link = db.session.get_one(ResourceLink, link_id, populate_existing=True)
    return _Column(
        link_id=link.id,
        resource_link_id=link.resource_link_id,
        platform=platform_values(link.deployment.platform),
        line_item_url=link.line_item_url,
        line_items_url=link.line_items_url,
        memberships_url=link.memberships_url,
        granted=link.service_scopes,
    )


def _read_column(services: Services, column: _Column) -> dict[str, LmsResult]:
    lms, url = get_lms(column.platform.dialect), column.line_item_url or ""
    results = services.gradebook.read_results(
        column.platform,
        url,
        READ_SECONDS,
        granted=column.granted,
        page_size=lms.results_per_page,
    )
    maximum = _read_maximum(services, column, url) if lms.rescales and results else None
    if maximum is None:
        return results
    return {sub: result.on_scale_of(maximum) for sub, result in results.items()}


def _read_maximum(services: Services, column: _Column, url: str) -> float | None:
    """Return the maximum of the column as it is now, None where the LMS does not say."""
    seconds = services.settings.passback.lms_deadline_seconds
    try:
        return services.gradebook.read_maximum(
            column.platform, url, seconds, granted=column.granted
        )
    except (Refused, Unavailable):
        return None


def _find_column(services: Services, column: _Column) -> _Column:
    """Look up a column that no launch has named; it is kept, and those who wait for it are woken.

    Commits. Raises Refused when there is none, or more than one.
    """
    db.session.commit()
    missing = "the LMS has not named a gradebook column for this activity"
    if column.line_items_url is None:
        raise Refused(missing)
    found = services.gradebook.find_line_items(
        column.platform,
        column.line_items_url,
        column.resource_link_id,
        services.settings.passback.lms_deadline_seconds,
        granted=column.granted,
    )
    if len(found) != 1:
        raise Refused(missing if not found else TOO_MANY)
    keep_line_item(services, column.link_id, found[0].url)
    return replace(column, line_item_url=found[0].url)


def _read_enrolled(services: Services, column: _Column) -> set[str] | None:
    """Return who is in the course by now, None where the LMS does not say.

    A grade that is gone with its learner is not lost.
    """
    if column.memberships_url is None:
        return None
    try:
        roster = services.memberships.read_roster(
            column.platform, column.memberships_url, deadline_seconds=READ_SECONDS
        )
    except (Refused, Unavailable):
        return None
    return {member.sub for member in roster if member.active}


def _load_entries(column: _Column) -> list[_Entry]:
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
            Score.line_item_url,
            Score.standing,
        )
        .join(Learner, Learner.id == Grade.learner_id)
        .outerjoin(
            Score,
            (Score.grade_id == Grade.id)
            & (Score.sequence == sequence.correlate(Grade).scalar_subquery()),
        )
        .where(Grade.resource_link_id == column.link_id)
        .order_by(Learner.id)
    )
    return [_entry(row, column) for row in db.session.execute(query)]


def _entry(row: Any, column: _Column) -> _Entry:
    ours = Ours()
    if row.state is not None:
        elsewhere = row.line_item_url is not None and not same_line_item(
            row.line_item_url, column.line_item_url or ""
        )
        # What went to a column that is no more is on its way to the one that took its place.
        state = QUEUED if elsewhere or row.standing == PENDING else row.state
        ours = Ours(row.score_given, state, row.after_loss)
    name = " ".join(part for part in (row.first_name, row.last_name) if part)
    return _Entry(row.id, row.registration_id, row.sub, name, ours)


def _compare(
    entry: _Entry, results: Mapping[str, LmsResult], *, enrolled: Collection[str] | None
) -> Finding:
    result = results.get(entry.sub)
    theirs = Theirs(
        exists=result is not None,
        score=result.of_hundred if result is not None else None,
        garbled=result is not None and result.garbled,
        enrolled=enrolled is None or entry.sub in enrolled,
    )
    drift = decide_drift(entry.ours, theirs)
    return Finding(
        entry.grade_id, entry.sub, entry.name, drift, entry.ours.score_given, theirs.score
    )


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
            or_(ResourceLink.line_item_url.is_not(None), ResourceLink.line_items_url.is_not(None)),
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
