"""Say in a few words where one learner stands: the course, and the grade on its way home."""

from dataclasses import dataclass
from typing import Protocol

from ..registrations.models import Grade, Registration
from ..web.sentences import N_
from .models import Score
from .pipeline.find_line_item import NONE_YET
from .rules.score_states import KEPT, NO_FINAL, PENDING

# Every label there is, in the order in which they are counted.
IN_GRADEBOOK = N_("In the gradebook")
ACCEPTED_ONLY = N_("Accepted, not yet shown")
ON_ITS_WAY = N_("On its way")
WAITS_FOR_COLUMN = N_("Waits for a gradebook column")
ANOTHER_STANDS = N_("Another grade stands")
ATTENTION = N_("Needs attention")
FINISHED = N_("Finished, no grade yet")
IN_PROGRESS = N_("In progress")
NOT_STARTED = N_("Not started")
LABELS = (
    IN_GRADEBOOK,
    ACCEPTED_ONLY,
    ON_ITS_WAY,
    WAITS_FOR_COLUMN,
    ANOTHER_STANDS,
    ATTENTION,
    FINISHED,
    IN_PROGRESS,
    NOT_STARTED,
)


class DecidedScore(Protocol):
    """A Score's row, as an object or as plain columns."""

    @property
    def state(self) -> str: ...

    @property
    def score_given(self) -> float: ...

    @property
    def reason(self) -> str: ...

    @property
    def standing(self) -> str | None: ...


@dataclass(frozen=True)
class LearnerProgress:
    """What the rows know of one learner in one link.

    `score_state` is that of the newest decision, None when nothing was decided yet; `score_given`
    of 100; `standing` says how an accepted one stands (rules/score_states.py).
    """

    launched: bool = False
    completion: str = "UNKNOWN"
    success: str = "UNKNOWN"
    score_state: str | None = None
    score_given: float | None = None
    reason: str = ""
    standing: str | None = None
    waits_for_line_item: bool = False


@dataclass(frozen=True)
class LearnerState:
    """The state as a person reads it; `tone` is quiet, busy, good, wait or problem."""

    label: str
    tone: str
    detail: str = ""
    score: float | None = None


def decide_learner_state(progress: LearnerProgress) -> LearnerState:
    """Return a learner's state: the grade's if there is one, else the course's."""
    if progress.score_state is not None:
        return _grade_state(progress)
    if not progress.launched:
        return LearnerState(NOT_STARTED, "quiet")
    if progress.completion == "COMPLETED" or progress.success != "UNKNOWN":
        return LearnerState(FINISHED, "wait", progress.reason)
    return LearnerState(IN_PROGRESS, "busy")


def _grade_state(progress: LearnerProgress) -> LearnerState:
    given, reason = progress.score_given, progress.reason
    if progress.score_state == "accepted":
        return _accepted(progress)
    if progress.score_state == "parked":
        return LearnerState(ATTENTION, "problem", reason, given)
    if progress.score_state == "superseded":
        return LearnerState(ANOTHER_STANDS, "wait", reason, given)
    if progress.waits_for_line_item and reason not in ("", NONE_YET):  # an LMS admin can help
        return LearnerState(ATTENTION, "problem", reason, given)
    if progress.waits_for_line_item:
        return LearnerState(WAITS_FOR_COLUMN, "wait", reason, given)
    return LearnerState(ON_ITS_WAY, "busy", reason, given)


def _accepted(progress: LearnerProgress) -> LearnerState:
    """The LMS took the score; what it shows may be another matter."""
    given, reason = progress.score_given, progress.reason
    if progress.standing == KEPT:
        return LearnerState(ANOTHER_STANDS, "wait", reason, given)
    if progress.standing == NO_FINAL:
        return LearnerState(ATTENTION, "problem", reason, given)
    if progress.standing == PENDING:
        return LearnerState(ACCEPTED_ONLY, "wait", reason, given)
    return LearnerState(IN_GRADEBOOK, "good", "", given)


def progress_of(
    grade: Grade, registration: Registration | None, score: Score | None
) -> LearnerProgress:
    """Return what the rows of one learner say: their newest attempt and newest decision."""
    return tell_progress(
        launched=registration is not None and registration.launched_at is not None,
        completion=registration.completion if registration is not None else None,
        success=registration.success if registration is not None else None,
        score=score,
        decision_reason=grade.decision_reason,
        waits_for_line_item=grade.waits_for_line_item,
    )


def tell_progress(
    *,
    launched: bool,
    completion: str | None,
    success: str | None,
    score: DecidedScore | None,
    decision_reason: str | None,
    waits_for_line_item: bool,
) -> LearnerProgress:
    """Return the standing that columns tell; `score` is the newest decision."""
    state = score.state if score is not None else None
    told = score is not None and (state in ("parked", "superseded") or score.standing is not None)
    return LearnerProgress(
        launched=launched,
        completion=completion or "UNKNOWN",
        success=success or "UNKNOWN",
        score_state=state,
        score_given=score.score_given if score is not None else None,
        reason=score.reason if score is not None and told else decision_reason or "",
        standing=score.standing if score is not None else None,
        waits_for_line_item=waits_for_line_item,
    )
