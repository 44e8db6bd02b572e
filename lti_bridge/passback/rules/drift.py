"""Does the gradebook still hold what we delivered? One grade's answer, from both sides."""

from dataclasses import dataclass
from enum import StrEnum


class Drift(StrEnum):
    """How the gradebook and our newest decision compare."""

    DELIVERED = "delivered"
    OVERRIDDEN = "overridden by a teacher"
    LOST = "lost in the LMS"
    LOST_AGAIN = "removed again in the LMS"
    NEVER_SENT = "never sent"
    UNDER_WAY = "under way"
    NOTHING = "nothing to send"


@dataclass(frozen=True)
class Ours:
    """Our newest decision: its score of 100 and state; None when nothing was decided.

    `resent_after_loss`: the decision itself was made because the gradebook had lost one.
    """

    score_given: float | None = None
    state: str | None = None
    resent_after_loss: bool = False


@dataclass(frozen=True)
class Theirs:
    """What the LMS shows for the learner; `score` of 100 after rescaling, None for none."""

    exists: bool = False
    score: float | None = None


def decide_drift(ours: Ours, theirs: Theirs, tolerance: float = 0.01) -> Drift:
    """Return how one grade stands.

    Moodle leaves `resultScore` out for a grade of 0 (measured on Moodle 4.5.6), so a result without
    a score equals our 0. A grade that was lost once more after we had sent it again was removed by
    somebody who meant it.
    """
    if ours.score_given is None:
        return Drift.NOTHING
    if ours.state == "queued":
        return Drift.UNDER_WAY
    if ours.state == "parked":
        return Drift.NEVER_SENT
    shown = theirs.score
    if shown is None and theirs.exists and ours.score_given == 0:
        shown = 0.0
    if shown is None:
        if ours.state == "superseded":
            return Drift.OVERRIDDEN
        return Drift.LOST_AGAIN if ours.resent_after_loss else Drift.LOST
    same = abs(shown - ours.score_given) <= tolerance
    return Drift.DELIVERED if same else Drift.OVERRIDDEN
