"""Compare one grade: our newest decision and what the gradebook holds."""

from dataclasses import dataclass
from enum import StrEnum

from .score_states import ScoreState

# More lost grades than this in a column look intended, such as a course reset.
LOST_AT_MOST, LOST_AT_MOST_SHARE = 3, 0.1


class Drift(StrEnum):
    """How the gradebook compares with our newest decision."""

    DELIVERED = "delivered"
    OVERRIDDEN = "overridden by a teacher"
    LOST = "lost in the LMS"
    LOST_AGAIN = "removed again in the LMS"
    CLEARED = "cleared or excused in the LMS"
    UNCLEAR = "not shown as a number in the LMS"
    NOT_ENROLLED = "not in the course any more"
    NEVER_SENT = "never sent"
    UNDER_WAY = "under way"
    NOTHING = "nothing to send"
    LEFT = "left as it is"

    @property
    def kept(self) -> str:
        """The value stored in rows."""
        return self.name.lower()


# A person decides about these: send ours again, or leave them.
ASKED_ABOUT = (Drift.LOST, Drift.CLEARED)
# The gradebook holds another grade than ours, or none.
OTHER_STANDS = (*ASKED_ABOUT, Drift.LOST_AGAIN, Drift.OVERRIDDEN)
# Listed by name in a comparison.
DIFFERS = (*OTHER_STANDS, Drift.UNCLEAR, Drift.NEVER_SENT)


@dataclass(frozen=True)
class Ours:
    """Our newest decision: its score of 100 and state, None without a decision.

    `resent_after_loss`: it was sent because the gradebook had lost the former one. `left`: a person
    decided to leave the gradebook as it is.
    """

    score_given: float | None = None
    state: ScoreState | None = None
    resent_after_loss: bool = False
    left: bool = False


@dataclass(frozen=True)
class Theirs:
    """The LMS's result for the learner; `score` of 100 after rescaling, None without one.

    `garbled`: the score is not a number. `enrolled`: True when unknown.
    """

    exists: bool = False
    score: float | None = None
    garbled: bool = False
    enrolled: bool = True


def decide_drift(ours: Ours, theirs: Theirs, tolerance: float = 0.01) -> Drift:
    """Return how the gradebook compares for one grade.

    Moodle leaves out `resultScore` for a grade of 0 (measured on Moodle 4.5.6), so a result without
    a score equals our 0. For any other grade it means that a person emptied the cell or excused the
    learner, which a score would undo. A grade that is lost again after it was sent again was
    removed on purpose.
    """
    if ours.score_given is None:
        return Drift.NOTHING
    if ours.state == ScoreState.QUEUED:
        return Drift.UNDER_WAY
    if ours.state == ScoreState.PARKED:
        return Drift.NEVER_SENT
    if theirs.garbled:
        return Drift.UNCLEAR
    shown = theirs.score
    if shown is None and theirs.exists and ours.score_given == 0:
        shown = 0.0
    if shown is None:
        if ours.state == ScoreState.SUPERSEDED:
            return Drift.OVERRIDDEN
        if ours.left:
            return Drift.LEFT
        if theirs.exists:
            return Drift.CLEARED
        if not theirs.enrolled:
            return Drift.NOT_ENROLLED
        return Drift.LOST_AGAIN if ours.resent_after_loss else Drift.LOST
    same = abs(shown - ours.score_given) <= tolerance
    return Drift.DELIVERED if same else Drift.OVERRIDDEN


def looks_like_reset(lost: int, delivered: int) -> bool:
    """Tell whether so many grades of a column are lost that it was probably reset on purpose.

    `delivered` counts the grades that we had delivered, with the lost ones. A course reset for a
    new term empties whole columns, and the old grades must not return.
    """
    most = max(LOST_AT_MOST, LOST_AT_MOST_SHARE * delivered)
    return lost > most or lost * 2 >= delivered
