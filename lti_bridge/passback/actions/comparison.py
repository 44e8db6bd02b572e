"""Results of the newest comparison with a gradebook, and a person's decisions about them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, case, func, or_, select, update

from ...core.db import db, reading, write
from ...core.errors import BridgeError
from ...core.plain_text import counted, full_name
from ...platforms.models import Deployment, Platform
from ...registrations.grade_updates import lock_grades
from ...registrations.models import Grade, Learner, ResourceLink
from ...services import Services
from ..models import Score
from ..rules.drift import ASKED_ABOUT, DIFFERS, OTHER_STANDS, Drift
from ..rules.score_states import ScoreState
from ..triggers.reconcile import Repair, reconcile_link
from .by_hand import BATCH, note, resend_all

LEARNERS_AT_MOST = 200
LOSSES_AT_MOST = 100
# Shorter than the usual time, because a person waits for the page.
PAGE_SECONDS = 20.0
BY_WORD = {drift.kept: drift for drift in Drift}


@dataclass(frozen=True)
class Difference:
    """One learner whose grade differs: our score, and the LMS's when it was read, of 100."""

    learner_id: int
    name: str
    drift: Drift
    ours: float | None
    theirs: float | None


@dataclass(frozen=True)
class Summary:
    """Results of an activity's newest comparison, without grades changed since.

    `differ` counts grades that differ from what we sent, except those that a person left so;
    `failure` is why the newest comparison failed, None if it did not.
    """

    compared_at: datetime | None = None
    failure: str | None = None
    differ: int = 0

    @property
    def words(self) -> str:
        """A short text for it, with the time in UTC."""
        if self.compared_at is None:
            return "could not be compared" if self.failure else "not compared yet"
        found = f"{self.differ} differ{'s' if self.differ == 1 else ''}"
        said = f"{found if self.differ else 'all the same'}, {self.compared_at:%Y-%m-%d %H:%M}"
        return f"{said}; not compared since, though it was tried" if self.failure else said


@dataclass(frozen=True)
class Comparison:
    """A comparison in full: counts, and the learners who differ.

    `learners` has the first LEARNERS_AT_MOST, `more` counts the others. `asked` counts lost and
    cleared grades, on which a person decides; `other` counts cells with another grade than ours, or
    none.
    """

    summary: Summary
    counts: Sequence[tuple[Drift, int]]
    learners: Sequence[Difference]
    more: int
    asked: int
    other: int


@dataclass(frozen=True)
class Loss:
    """An activity with lost or cleared grades on which a person has yet to decide."""

    link_id: int
    title: str | None
    platform_id: int
    deployment_id: int
    lost: int
    cleared: int
    compared_at: datetime


def _newer() -> ColumnElement[bool]:
    """Return the condition that a Grade has a Score from after its link's comparison."""
    later = or_(Score.state == ScoreState.QUEUED, Score.finished_at > ResourceLink.compared_at)
    newer = select(Score.id).where(Score.grade_id == Grade.id, later)
    return newer.correlate(Grade, ResourceLink).exists()


def _holds(drifts: Collection[Drift]) -> ColumnElement[bool]:
    """Return the condition that a Grade was found so and has no newer Score.

    The values are literals in the statement, so that the partial index on them is used.
    """
    words = [drift.kept for drift in drifts]
    named = Grade.compared.in_(bindparam(None, words, expanding=True, literal_execute=True))
    return named & ~_newer()


def summarize(link_ids: Collection[int]) -> Mapping[int, Summary]:
    """Return the summaries of links, by row id. Leaves the transaction open."""
    query = (
        select(Grade.resource_link_id, func.count())
        .join(ResourceLink, ResourceLink.id == Grade.resource_link_id)
        .where(Grade.resource_link_id.in_(link_ids), _holds(DIFFERS))
        .group_by(Grade.resource_link_id)
    )
    differ = {link_id: count for link_id, count in db.session.execute(query)}
    links = select(ResourceLink.id, ResourceLink.compared_at, ResourceLink.comparison_failure)
    return {
        link_id: Summary(at, failure, differ.get(link_id, 0))
        for link_id, at, failure in db.session.execute(links.where(ResourceLink.id.in_(link_ids)))
    }


def load_comparison(link_id: int) -> Comparison:
    """Return a link's newest comparison. Reads in the caller's transaction."""
    counts = _count(link_id)
    differing = sum(counts.get(drift, 0) for drift in (*DIFFERS, Drift.LEFT))
    learners = [_difference(row) for row in db.session.execute(_select_learners(link_id))]
    return Comparison(
        summary=summarize([link_id])[link_id],
        counts=[(drift, counts[drift]) for drift in Drift if drift in counts],
        learners=learners,
        more=differing - len(learners),
        asked=sum(counts.get(drift, 0) for drift in ASKED_ABOUT),
        other=sum(counts.get(drift, 0) for drift in OTHER_STANDS),
    )


def _count(link_id: int) -> dict[Drift, int]:
    """Count a link's grades by result; those with a newer Score are under way."""
    word = case((_newer(), Drift.UNDER_WAY.kept), else_=Grade.compared).label("word")
    each = (
        select(word)
        .join(ResourceLink, ResourceLink.id == Grade.resource_link_id)
        .where(Grade.resource_link_id == link_id, Grade.compared.is_not(None))
        .subquery()
    )
    found = db.session.execute(select(each.c.word, func.count()).group_by(each.c.word))
    return {BY_WORD[word]: count for word, count in found if word in BY_WORD}


def _select_learners(link_id: int) -> Select[Any]:
    newest = select(Score.score_given).where(Score.grade_id == Grade.id)
    ours = newest.order_by(Score.sequence.desc()).limit(1).correlate(Grade).scalar_subquery()
    named = Learner.id, Learner.first_name, Learner.last_name, Learner.sub
    return (
        select(*named, Grade.compared, Grade.compared_score, ours.label("ours"))
        .join(Grade, Grade.learner_id == Learner.id)
        .join(ResourceLink, ResourceLink.id == Grade.resource_link_id)
        .where(Grade.resource_link_id == link_id, _holds((*DIFFERS, Drift.LEFT)))
        .order_by(Learner.last_name, Learner.first_name, Learner.id)
        .limit(LEARNERS_AT_MOST)
    )


def _difference(row: Any) -> Difference:
    name = full_name(row.first_name, row.last_name)
    drift = BY_WORD[row.compared]
    return Difference(row.id, name or f"User {row.sub}", drift, row.ours, row.compared_score)


def find_grades(link_id: int, drifts: Collection[Drift]) -> list[int]:
    """Return the ids of a link's grades that were found so and have not changed since.

    Reads in the caller's transaction.
    """
    query = select(Grade.id).join(ResourceLink, ResourceLink.id == Grade.resource_link_id)
    mine = query.where(Grade.resource_link_id == link_id, _holds(drifts))
    return list(db.session.scalars(mine.order_by(Grade.id)))


def find_losses(scope_platform_id: int | None) -> list[Loss]:
    """Return activities with lost or cleared grades, of one platform or of all.

    At most LOSSES_AT_MOST, the newest comparison first. Reads in the caller's transaction.
    """
    lost = func.sum(case((Grade.compared == Drift.LOST.kept, 1), else_=0))
    cleared = func.sum(case((Grade.compared == Drift.CLEARED.kept, 1), else_=0))
    link = (
        ResourceLink.id,
        ResourceLink.title,
        Deployment.platform_id,
        ResourceLink.deployment_id,
    )
    query = (
        select(*link, lost, cleared, ResourceLink.compared_at)
        .join(Grade, Grade.resource_link_id == ResourceLink.id)
        .join(Deployment, Deployment.id == ResourceLink.deployment_id)
        .join(Platform, Platform.id == Deployment.platform_id)
        .where(
            _holds(ASKED_ABOUT),
            ResourceLink.compared_at.is_not(None),
            Platform.disabled_at.is_(None),
        )
        .group_by(*link, ResourceLink.compared_at)
        .order_by(ResourceLink.compared_at.desc(), ResourceLink.id)
        .limit(LOSSES_AT_MOST)
    )
    if scope_platform_id is not None:
        query = query.where(Platform.id == scope_platform_id)
    return [Loss(*row) for row in db.session.execute(query)]


def compare_now(services: Services, link_id: int) -> str:
    """Compare a link with its gradebook without sending; returns a sentence. Commits."""
    try:
        reconcile_link(services, link_id, repair=Repair.NONE, seconds=PAGE_SECONDS)
    except BridgeError as error:
        text = str(error).rstrip(".")
        return f"It could not be compared: {text}."
    with reading():
        differ = summarize([link_id])[link_id].differ
    if not differ:
        return "It was compared: every grade is as it was sent."
    return f"It was compared: {counted(differ, 'grade')} differ{'s' if differ == 1 else ''}."


def send_lost_again(services: Services, link_id: int, who: str) -> int:
    """Send again a link's lost and cleared grades; returns how many.

    Commits, and wakes workers.
    """
    return _send_again(services, link_id, who, ASKED_ABOUT)


def send_all_again(services: Services, link_id: int, who: str) -> int:
    """Send ours again wherever another grade stands, also a teacher's; returns how many.

    Skips what a person left as it is. Commits, and wakes workers.
    """
    return _send_again(services, link_id, who, OTHER_STANDS)


def _send_again(services: Services, link_id: int, who: str, drifts: Collection[Drift]) -> int:
    grade_ids = find_grades(link_id, drifts)
    resend_all(services, grade_ids, who)
    return len(grade_ids)


def leave_lost(services: Services, link_id: int, who: str) -> int:
    """Leave a link's lost and cleared grades as they are; returns how many.

    They are not listed again while the gradebook shows no grade for them. Commits.
    """
    grade_ids = find_grades(link_id, ASKED_ABOUT)
    for start in range(0, len(grade_ids), BATCH):
        batch = grade_ids[start : start + BATCH]
        lock_grades(batch)
        write(update(Grade).where(Grade.id.in_(batch)).values(compared=Drift.LEFT.kept))
        for grade_id in batch:
            text = f"{who} left it as it is: the gradebook has no grade, and none is sent again."
            note(services, grade_id, "steer", text)
        db.session.commit()
    return len(grade_ids)
