"""Reconciliation: compare a link's column with our scores, and send lost ones again."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, cast

from sqlalchemy import bindparam, func, or_, select, update
from sqlalchemy.orm import aliased

from ...audit.log import record
from ...core.db import affected, db, write
from ...core.errors import BridgeError, NotFound
from ...core.plain_text import counted, full_name
from ...lti.values import LmsResult, same_line_item
from ...platforms.models import Deployment, Platform
from ...registrations.grade_updates import lock_grades, mark_due, trail, wake
from ...registrations.models import GRADE, Grade, Learner, ResourceLink
from ...services import Services
from ..models import Score
from ..rules.drift import Drift, Ours, Theirs, decide_drift, looks_like_reset
from ..rules.plan import LOST
from ..rules.score_states import ScoreState, Standing
from .read_column import GradebookColumn, find_column, load_column, read_column, read_enrolled

LINKS_AT_ONCE = 5
# Rows per transaction, so that others can write in between.
CELLS_AT_ONCE = 500
LONGEST_FAILURE = 500
# For the results of a whole class, in pages.
READ_SECONDS = 60.0
# Grades that the gradebook once held.
DELIVERED_ONCE = (
    Drift.DELIVERED,
    Drift.OVERRIDDEN,
    Drift.LOST,
    Drift.LOST_AGAIN,
    Drift.CLEARED,
)
# Only rows that have not changed since they were read: a person may have decided meanwhile.
_KEEP = (
    update(GRADE)
    .where(
        GRADE.c.id == bindparam("row"), GRADE.c.compared.is_not_distinct_from(bindparam("before"))
    )
    .values(compared=bindparam("found"), compared_score=bindparam("held"))
)
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Finding:
    """One learner's grade: our score, the LMS's, and how they compare."""

    grade_id: int
    sub: str
    name: str
    drift: Drift
    ours: float | None
    theirs: float | None
    sent_again: bool = False

    @property
    def kept(self) -> str:
        """The value stored in rows; a grade that is sent again is under way."""
        return (Drift.UNDER_WAY if self.sent_again else self.drift).kept


@dataclass(frozen=True)
class _Entry:
    grade_id: int
    registration: int | None
    sub: str
    name: str
    ours: Ours
    compared: str | None
    compared_score: float | None


class Repair(Enum):
    """Which lost grades are sent again.

    FEW: those of a link, unless so many are lost that its column was probably reset.
    """

    NONE = "none"
    FEW = "few"
    ALL = "all"


def reconcile_link(
    services: Services,
    link_id: int,
    *,
    repair: Repair = Repair.FEW,
    by: str | None = None,
    seconds: float = READ_SECONDS,
) -> list[Finding]:
    """Compare all grades of a link with the LMS, store the results, and send lost grades again.

    Each finding says whether its grade is sent again; `by` is the user for the audit log. `seconds`
    is the deadline for each of the LMS's lists. Commits before and after the calls. Raises Refused
    when the link has no line item or the LMS does not let the tool read, Unavailable when it does
    not answer; the link's row stores the error.
    """
    try:
        return _reconcile(services, link_id, repair, by, seconds)
    except BridgeError as error:
        db.session.rollback()
        failed = update(ResourceLink).where(ResourceLink.id == link_id)
        db.session.execute(failed.values(comparison_failure=str(error)[:LONGEST_FAILURE]))
        db.session.commit()
        raise


def _reconcile(
    services: Services, link_id: int, repair: Repair, by: str | None, seconds: float
) -> list[Finding]:
    column = load_column(link_id)
    if column.line_item_url is None:
        column = find_column(services, column)
    began = services.now()
    db.session.commit()
    try:
        results = read_column(services, column, seconds)
    except NotFound:
        column = find_column(services, column)
        results = read_column(services, column, seconds)
    entries = _load_entries(column, began)
    db.session.commit()
    compared = [_compare(entry, results, enrolled=None) for entry in entries]
    if any(finding.drift is Drift.LOST for finding in compared):
        enrolled = read_enrolled(services, column, seconds)
        compared = [_compare(entry, results, enrolled=enrolled) for entry in entries]
    findings = _choose(compared, repair)
    _keep_findings(entries, findings)
    _finish(services, column, entries, findings, by)
    for drift in {finding.drift for finding in findings}:
        count = sum(1 for finding in findings if finding.drift is drift)
        services.events.publish("reconciled", drift=drift.name.lower(), count=count)
    return findings


def _keep_findings(entries: Sequence[_Entry], findings: Sequence[Finding]) -> None:
    """Store results that differ from the former comparison. Commits after each batch."""
    changed = [
        {"row": new.grade_id, "before": old.compared, "found": new.kept, "held": new.theirs}
        for old, new in zip(entries, findings, strict=True)
        if (old.compared, old.compared_score) != (new.kept, new.theirs)
    ]
    changed.sort(key=lambda one: cast(int, one["row"]))  # in the order in which all lock them
    for start in range(0, len(changed), CELLS_AT_ONCE):
        db.session.connection().execute(_KEEP, changed[start : start + CELLS_AT_ONCE])
        db.session.commit()


def _finish(
    services: Services,
    column: GradebookColumn,
    entries: Sequence[_Entry],
    findings: Sequence[Finding],
    by: str | None,
) -> None:
    """Store that the comparison was made, and make lost grades due. Commits."""
    now, link_id = services.now(), column.link_id
    lost = [finding for finding in findings if finding.sent_again]
    lock_grades([finding.grade_id for finding in lost])
    values = {"reconciled_at": now, "compared_at": now, "comparison_failure": None}
    db.session.execute(update(ResourceLink).where(ResourceLink.id == link_id).values(values))
    registrations = {entry.grade_id: entry.registration for entry in entries}
    for finding in lost:
        _send_again(services, finding, registrations[finding.grade_id])
    if by is not None and lost:
        said = f"sent {counted(len(lost), 'grade')} again that the LMS had lost"
        subject, platform_id = f"link {link_id}", column.platform.id
        record(by, "reconcile", subject, said, now=now, platform_id=platform_id)
    db.session.commit()
    for finding in lost:
        wake(services, finding.grade_id)


def _choose(findings: list[Finding], repair: Repair) -> list[Finding]:
    """Mark the findings to be sent again."""
    lost = sum(1 for finding in findings if finding.drift is Drift.LOST)
    delivered = sum(1 for finding in findings if finding.drift in DELIVERED_ONCE)
    if repair is Repair.NONE or (repair is Repair.FEW and looks_like_reset(lost, delivered)):
        return findings
    return [replace(found, sent_again=found.drift is Drift.LOST) for found in findings]


def _load_entries(column: GradebookColumn, began: datetime) -> list[_Entry]:
    newest = aliased(Score)
    sequence = select(func.max(newest.sequence)).where(newest.grade_id == Grade.id)
    # Columns, not objects: a link may have tens of thousands of learners.
    query = (
        select(
            Grade.id,
            Grade.resend,
            Grade.compared,
            Grade.compared_score,
            Learner.sub,
            Learner.first_name,
            Learner.last_name,
            Score.registration_id,
            Score.score_given,
            Score.state,
            Score.after_loss,
            Score.line_item_url,
            Score.standing,
            Score.finished_at,
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
    return [_entry(row, column, began) for row in db.session.execute(query)]


def _entry(row: Any, column: GradebookColumn, began: datetime) -> _Entry:
    ours = Ours()
    if row.state is not None:
        elsewhere = row.line_item_url is not None and not same_line_item(
            row.line_item_url, column.line_item_url or ""
        )
        newer = row.finished_at is not None and row.finished_at > began
        # A score for a former column is to be sent to the current one; one accepted while we read
        # may not have been in the list yet.
        moving = elsewhere or newer or row.resend is not None or row.standing == Standing.PENDING
        left = row.compared == Drift.LEFT.kept and not _is_newer(row, column)
        ours = Ours(
            row.score_given, ScoreState.QUEUED if moving else row.state, row.after_loss, left
        )
    name = full_name(row.first_name, row.last_name)
    values = ours, row.compared, row.compared_score
    return _Entry(row.id, row.registration_id, row.sub, name, *values)


def _is_newer(row: Any, column: GradebookColumn) -> bool:
    """Tell whether a score is newer than the newest comparison, which then no longer applies."""
    at = column.compared_at
    return at is not None and row.finished_at is not None and row.finished_at > at


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
    """Make a lost grade due, if its newest Score is still the accepted one."""
    newest = aliased(Score)
    state = (
        select(newest.state)
        .where(newest.grade_id == Grade.id)
        .order_by(newest.sequence.desc())
        .limit(1)
        .correlate(Grade)
        .scalar_subquery()
    )
    statement = update(Grade).where(Grade.id == finding.grade_id, state == ScoreState.ACCEPTED)
    marked = write(statement.values(resend=LOST))
    if not marked:
        return
    mark_due(finding.grade_id, "send", services.now())
    if registration is not None:
        text = "The gradebook no longer has the grade; it is sent again."
        trail(registration, "reconcile", text, services.now())


def reconcile_due(services: Services) -> int:
    """Reconcile the links that are due, a few at a time; returns how many.

    Only one node processes a link: the one whose UPDATE moves `reconciled_at`.
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
            "The activity's page in the console (Activities) asks what is to become of them: send "
            "them again (score reconcile --link %s --all-lost), or leave them (--leave)",
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
        Score.state == ScoreState.ACCEPTED,
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
