"""What one gradebook cell shows, and what that means for a score that is about to be sent."""

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
    """What stands in one learner's cell; `score` of 100, None for an entry without a score.

    `by_person`: no tool ever wrote this entry, as far as the LMS tells.
    """

    exists: bool = False
    score: float | None = None
    by_person: bool = False


@dataclass(frozen=True)
class Unclear:
    """The LMS answered, and it cannot be told what stands in the cell."""


Reading = HeldGrade | Unclear


@dataclass(frozen=True)
class Outgoing:
    """A score on its way: what it is to be compared with.

    `ours` are the values of 100 that count as our own in this column; `sent`: we have posted to
    this column for this learner, this very score if `tried`. `keeps`: a grade that a person set
    stays. `found`: what stands may be ours though our rows do not know it, after a lost database.
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
    """Return the cell of user `sub` among the entries that were asked for."""
    mine = [result for result in results if result.user_id == sub]
    if not mine:
        return Unclear() if results else HeldGrade()
    return to_cell(mine[0])


def to_cell(result: LmsResult) -> Reading:
    """Return what one entry says; a score that is no number says nothing."""
    return Unclear() if result.garbled else HeldGrade(exists=True, score=result.of_hundred)


def judge_reading(cell: HeldGrade, outgoing: Outgoing) -> Verdict:
    """Return what an LMS's reading means where nothing else is known of this LMS.

    Nothing was sent to the column before: what stands there was restored with its course, or a
    person typed it; a higher score of ours takes its place, a lower one does not. Afterwards
    anything that is not ours is a person's.
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
        # What we are about to send is ours too: an older database of ours was brought back.
        mine = any(is_same(held, ours) for ours in (*outgoing.ours, score_given))
        return Post() if mine else stands(HELD, held, score_given)
    return judge_found(held, outgoing)


def judge_found(held: float, outgoing: Outgoing) -> Verdict:
    """Return what a grade means that stood before our first score: the higher one counts."""
    lower = held > outgoing.score_given and not is_same(held, outgoing.score_given)
    if lower and (outgoing.keeps or outgoing.found):
        return stands(HELD_HIGHER, held, outgoing.score_given)
    return Post()


def judge_repeat(cell: HeldGrade, outgoing: Outgoing) -> Accepted | Superseded | Unclear:
    """Return what stands there after the LMS said that a newer or equal time is stored.

    Usually it is our own repeat. An LMS may leave the score out where it is 0.
    """
    if not cell.exists:
        return Unclear()
    if is_same(cell.score or 0.0, outgoing.score_given):
        return Accepted()
    if cell.score is None:
        return Superseded(CLEARED.fill(ours=outgoing.score_given))
    return stands(HELD, cell.score, outgoing.score_given)


def stands(template: Sentence, held: float, ours: float) -> Superseded:
    """Return the outcome that another grade stands, with both values."""
    return Superseded(template.fill(held=round(held, 2), ours=ours))


def is_same(one: float, other: float) -> bool:
    """Tell whether two scores of 100 are the same but for rounding."""
    return abs(one - other) <= SAME_WITHIN
