"""The learners of one resource link: grades joined with the LMS's roster, counted, searched."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ScalarSelect, and_, func, select
from sqlalchemy.orm import aliased

from ..core.db import db
from ..core.plain_text import full_name
from ..lti.memberships import Member
from ..passback.actions.outlook import posted_at, situation_of
from ..passback.learner_progress import LearnerProgress, Situation, progress_of
from ..passback.learner_state import ATTENTION, LABELS, LearnerState, decide_learner_state
from ..passback.models import Score
from ..passback.result_words import attempts_words, minutes_of, result_word
from ..passback.rules.score_states import ScoreState
from ..registrations.identity import attempts_for
from ..registrations.models import Grade, Learner, Registration, ResourceLink

SHOWN_AT_ONCE = 50
LONGEST_SEARCH = 100
BUCKETS = 10
HIGHEST = 100.0


@dataclass(frozen=True)
class LearnerRow:
    """One line of the table; ids of our rows are None for a learner of the roster only."""

    learner_id: int | None
    grade_id: int | None
    sub: str
    name: str
    state: LearnerState
    result: str = ""  # passed, failed, completed, not completed
    attempt: int = 0
    attempts: str = ""  # number of used attempts, in words
    seconds: float = 0.0
    last_seen_at: datetime | None = None
    sent_at: datetime | None = None  # when the LMS accepted it

    @property
    def minutes(self) -> int:
        """Time spent in whole minutes."""
        return minutes_of(self.seconds)


@dataclass(frozen=True)
class Wanted:
    """Filter of the learners: text in name or user id, state, and start of the page."""

    search: str = ""
    state: str = ""
    start: int = 0


@dataclass(frozen=True)
class Counted:
    """The number of learners in a state; `state` is its query parameter."""

    label: str
    state: str
    count: int


@dataclass(frozen=True)
class RosterPage:
    """One page of the learners, with counts of all of them.

    `scores` has the number of learners in each tenth of the scale; `before` and `after` are where
    the neighbouring pages start.
    """

    shown: list[LearnerRow]
    wanted: Wanted
    everybody: int
    found: int
    counts: list[Counted]
    scores: list[int]
    graded: int
    average: float | None
    before: int | None
    after: int | None

    @property
    def moving(self) -> bool:
        """True while grades are being delivered, so that the page should reload."""
        return any(one.state.moving for one in self.shown)

    @property
    def attention(self) -> int:
        """The number of learners whose grade needs attention."""
        return sum(one.count for one in self.counts if one.label == ATTENTION)


def load_learners(
    link_id: int,
    course_id: str | None,
    roster: Sequence[Member] | None,
    staff: Collection[str] = (),
    *,
    now: datetime,
) -> list[LearnerRow]:
    """Return all learners with a grade in the link or an entry in the roster, by name.

    Each has the newest attempt and decision. Ids in `staff` without a grade are left out. Reads
    plain columns, as there may be thousands, in the caller's transaction.
    """
    rows = _load_rows(db.session.get_one(ResourceLink, link_id), course_id, now)
    names = {member.sub: member.name for member in roster or ()}
    rows = [replace(row, name=names.get(row.sub) or row.name or f"User {row.sub}") for row in rows]
    known, nothing = {row.sub for row in rows}, decide_learner_state(LearnerProgress())
    rows += [
        LearnerRow(None, None, member.sub, member.name or f"User {member.sub}", nothing)
        for member in roster or ()
        if member.sub not in known and member.sub not in staff
    ]
    return sorted(rows, key=lambda one: (one.name.casefold(), one.sub))


def select_learners(everybody: Sequence[LearnerRow], wanted: Wanted) -> RosterPage:
    """Return the page of `everybody` that the filter asks for."""
    wanted = replace(wanted, search=wanted.search.strip()[:LONGEST_SEARCH])
    found = [one for one in everybody if _fits(one, wanted)]
    start = min(max(0, wanted.start), max(0, len(found) - 1))
    start -= start % SHOWN_AT_ONCE
    end = start + SHOWN_AT_ONCE
    scores = [one.state.score for one in everybody if one.state.score is not None]
    return RosterPage(
        shown=found[start:end],
        wanted=replace(wanted, start=start),
        everybody=len(everybody),
        found=len(found),
        counts=count_states(everybody),
        scores=count_scores(scores),
        graded=len(scores),
        average=sum(scores) / len(scores) if scores else None,
        before=start - SHOWN_AT_ONCE if start else None,
        after=end if end < len(found) else None,
    )


def count_states(everybody: Sequence[LearnerRow]) -> list[Counted]:
    """Return the number of learners in each state, without empty ones."""
    labels = [one.state.label for one in everybody]
    counted = [Counted(label, _word(label), labels.count(label)) for label in LABELS]
    return [one for one in counted if one.count]


def count_scores(scores: Sequence[float]) -> list[int]:
    """Return how many scores of 100 are in each tenth: from 0 to below 10, …, from 90 to 100."""
    buckets = [0] * BUCKETS
    for score in scores:
        buckets[min(BUCKETS - 1, max(0, int(score * BUCKETS / HIGHEST)))] += 1
    return buckets


def _word(label: str) -> str:
    return label.lower().replace(",", "").replace(" ", "-")


def _fits(one: LearnerRow, wanted: Wanted) -> bool:
    if wanted.state and _word(one.state.label) != wanted.state:
        return False
    search = wanted.search.casefold()
    return search in one.name.casefold() or search in one.sub.casefold()


_COLUMNS = (
    Learner.id,
    Learner.sub,
    Learner.first_name,
    Learner.last_name,
    Grade.id.label("grade_id"),
    Grade.waits_for_line_item,
    Grade.decision_reason,
    Grade.resend,
    Grade.next_read_at,
    Grade.next_send_at,
    Grade.further_attempts,
    Registration.attempt,
    Registration.launched_at,
    Registration.created_at,
    Registration.completion,
    Registration.success,
    Registration.seconds_tracked,
    Score.state,
    Score.score_given,
    Score.reason,
    Score.standing,
    Score.held_after,
    Score.stopped,
    Score.registration_id,
)


def _load_rows(link: ResourceLink, course_id: str | None, now: datetime) -> list[LearnerRow]:
    link_id, situation = link.id, situation_of(link, now)
    query = (
        select(*_COLUMNS, posted_at().label("posted_at"))
        .join(Grade, Grade.learner_id == Learner.id)
        .outerjoin(
            Registration,
            and_(
                Registration.resource_link_id == link_id,
                Registration.learner_id == Learner.id,
                Registration.course_id == course_id,
                Registration.attempt == _newest_attempt(link_id, course_id),
            ),
        )
        .outerjoin(
            Score,
            and_(Score.grade_id == Grade.id, Score.sequence == _newest_sequence(course_id)),
        )
        .where(Grade.resource_link_id == link_id)
    )
    return [_row(row, situation, link.attempts_allowed) for row in db.session.execute(query)]


def _row(row: Any, situation: Situation, allowed: int) -> LearnerRow:
    # One tuple for the grade, the newest attempt and the newest decision.
    progress = progress_of(row, situation, row, row if row.state is not None else None)
    attempts = attempts_for(allowed, row.further_attempts)
    return LearnerRow(
        learner_id=row.id,
        grade_id=row.grade_id,
        sub=row.sub,
        name=full_name(row.first_name, row.last_name),
        state=decide_learner_state(progress),
        result=result_word(progress.completion, progress.success),
        attempt=row.attempt or 0,
        attempts=attempts_words([row.attempt], attempts) if row.attempt else "",
        seconds=row.seconds_tracked or 0.0,
        last_seen_at=row.launched_at,
        sent_at=row.posted_at if row.state == ScoreState.ACCEPTED else None,
    )


def _newest_attempt(link_id: int, course_id: str | None) -> ScalarSelect[int]:
    other = aliased(Registration)
    return (
        select(func.max(other.attempt))
        .where(
            other.resource_link_id == link_id,
            other.learner_id == Learner.id,
            other.course_id == course_id,
        )
        .correlate(Learner)
        .scalar_subquery()
    )


def _newest_sequence(course_id: str | None) -> ScalarSelect[int]:
    other = aliased(Score)
    return (
        select(func.max(other.sequence))
        .where(other.grade_id == Grade.id, other.course_id == course_id)
        .correlate(Grade)
        .scalar_subquery()
    )
