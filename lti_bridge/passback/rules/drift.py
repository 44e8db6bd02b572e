"""Does the gradebook still hold what we delivered? One grade's answer, from both sides."""

from dataclasses import dataclass
from enum import StrEnum

from .score_states import ScoreState

# So many may be lost by mischance; more look as if a person meant it, such as a course reset.
LOST_AT_MOST, LOST_AT_MOST_SHARE = 3, 0.1


class Drift(StrEnum):
    """How the gradebook and our newest decision compare."""

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
        """The word for it in rows."""
        return self.name.lower()


# A person decides what becomes of these: send ours again, or leave them.
ASKED_ABOUT = (Drift.LOST, Drift.CLEARED)
# Another grade than ours stands, or none.
OTHER_STANDS = (*ASKED_ABOUT, Drift.LOST_AGAIN, Drift.OVERRIDDEN)
# What a comparison names one by one.
DIFFERS = (*OTHER_STANDS, Drift.UNCLEAR, Drift.NEVER_SENT)


@dataclass(frozen=True)
class Ours:
    """Our newest decision: its score of 100 and state; None when nothing was decided.

    `resent_after_loss`: the decision itself was made because the gradebook had lost one; `left`: a
    person decided that what the gradebook has of it stays as it is.
    """

    score_given: float | None = None
    state: ScoreState | None = None
    resent_after_loss: bool = False
    left: bool = False


@dataclass(frozen=True)
class Theirs:
    """What the LMS shows for the learner; `score` of 100 after rescaling, None for none.

    `garbled`: it shows something that is no number; `enrolled`: as far as is known.
    """

    exists: bool = False
    score: float | None = None
    garbled: bool = False
    enrolled: bool = True


def decide_drift(ours: Ours, theirs: Theirs, tolerance: float = 0.01) -> Drift:
    """Return how one grade stands.

    Moodle leaves `resultScore` out for a grade of 0 (measured on Moodle 4.5.6), so a result without
    a score equals our 0; for any other grade a person emptied the cell, or excused the learner,
    and a score would undo that. A grade that was lost once more after we had sent it again was
    removed by a person who meant it.
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
    """Tell whether so many of a column's grades are gone that a person may have meant it.

    `delivered` counts what we had brought there, the lost ones included. A course reset for a new
    term empties a whole column: nobody wants last term's grades back.
    """
    most = max(LOST_AT_MOST, LOST_AT_MOST_SHARE * delivered)
    return lost > most or lost * 2 >= delivered
