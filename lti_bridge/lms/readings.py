"""The content of one gradebook cell, and what it means for a score about to be sent."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..core.sentences import Sentence, coded
from ..lti.values import LmsResult
from .score_replies import SAME_WITHIN, Accepted, Superseded

HELD = coded(
    "held",
    "The gradebook holds {held} of 100, set in the LMS, by a person or its late policy; it stays. "
    "Ours would be {ours}.",
)
HELD_HIGHER = coded(
    "held_higher",
    "The gradebook holds {held} of 100 from before; it stays. Ours would be lower, {ours}.",
)
CLEARED = coded(
    "cleared",
    "In the LMS the grade was cleared, or the learner excused; that stays. Ours would be {ours}.",
)


@dataclass(frozen=True)
class HeldGrade:
    """The content of one learner's cell; `score` of 100, None for an entry without a score.

    `by_person`: the LMS says that no tool wrote this entry.
    """

    exists: bool = False
    score: float | None = None
    by_person: bool = False


@dataclass(frozen=True)
class Unclear:
    """The LMS's reply does not tell what the cell contains."""


Reading = HeldGrade | Unclear


@dataclass(frozen=True)
class Outgoing:
    """A score about to be sent, and what it is compared with.

    `ours` are the values of 100 that this tool may have written to the column. `sent`: it has
    posted there for this learner, this same score if `tried`. `keeps`: a grade that a person set
    stays. `found`: the cell may be ours though no row says so, after a lost database.
    """

    score_given: float
    ours: tuple[float, ...] = ()
    sent: bool = False
    tried: bool = False
    keeps: bool = True
    found: bool = False


@dataclass(frozen=True)
class Post:
    """The score is to be posted."""


Verdict = Post | Accepted | Superseded


def read_cell(results: Sequence[LmsResult], sub: str) -> Reading:
    """Return the cell of user `sub` from the results of a query for it."""
    mine = [result for result in results if result.user_id == sub]
    if not mine:
        return Unclear() if results else HeldGrade()
    return to_cell(mine[0])


def to_cell(result: LmsResult) -> Reading:
    """Return one result as a cell; Unclear when its score is not a number."""
    return Unclear() if result.garbled else HeldGrade(exists=True, score=result.of_hundred)


def judge_reading(cell: HeldGrade, outgoing: Outgoing) -> Verdict:
    """Decide from the cell whether to post, for an LMS without a rule of its own.

    Before our first score, a grade was restored with its course or entered by a person: only a
    higher score replaces it. Afterwards any grade that is not ours is a person's.
    """
    held, score_given = cell.score, outgoing.score_given
    if held is not None and outgoing.tried and is_same(held, score_given):
        return Accepted()
    if not cell.exists or not (outgoing.keeps or outgoing.found):
        return Post()
    if held is None:
        text = CLEARED.fill(ours=score_given)
        return Superseded(text) if outgoing.keeps else Post()
    if outgoing.sent and not outgoing.found:
        # The outgoing score counts as ours too: an older database may have been restored.
        mine = any(is_same(held, ours) for ours in (*outgoing.ours, score_given))
        return Post() if mine else stands(HELD, held, score_given)
    return judge_found(held, outgoing)


def judge_found(held: float, outgoing: Outgoing) -> Verdict:
    """Decide about a grade from before our first score: the higher one counts."""
    lower = held > outgoing.score_given and not is_same(held, outgoing.score_given)
    if lower and (outgoing.keeps or outgoing.found):
        return stands(HELD_HIGHER, held, outgoing.score_given)
    return Post()


def judge_repeat(cell: HeldGrade, outgoing: Outgoing) -> Accepted | Superseded | Unclear:
    """Decide from the cell after a reply that a newer or equal timestamp is stored.

    Usually it is our own repeat. An LMS may leave out a score of 0.
    """
    if not cell.exists:
        return Unclear()
    if is_same(cell.score or 0.0, outgoing.score_given):
        return Accepted()
    if cell.score is None:
        return Superseded(CLEARED.fill(ours=outgoing.score_given))
    return stands(HELD, cell.score, outgoing.score_given)


def stands(template: Sentence, held: float, ours: float) -> Superseded:
    """Return the outcome that another grade stays, with both values."""
    return Superseded(template.fill(held=round(held, 2), ours=ours))


def is_same(one: float, other: float) -> bool:
    """Tell whether two scores of 100 are equal except for rounding."""
    return abs(one - other) <= SAME_WITHIN
