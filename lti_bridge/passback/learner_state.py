"""The state of one learner in an activity, in a few words: the course and the grade."""

from dataclasses import dataclass, replace

from ..core.clock import say_time
from ..core.sentences import N_
from ..lms.readings import is_same
from ..scorm_cloud.progress import Completion, Success
from .learner_progress import LearnerProgress
from .pipeline.find_line_item import NONE_YET
from .rules import reasons
from .rules.exit_page import COUNTS_FOR_NOW, SET_IN_LMS, SHOWN_LATER
from .rules.plan import NOT_GRANTED
from .rules.score_states import ScoreState, Standing

# All labels, in the order in which summaries count them.
IN_GRADEBOOK = N_("In the gradebook")
TAKEN = N_("Taken by the LMS")
ACCEPTED_ONLY = N_("Accepted, not yet shown")
ON_ITS_WAY = N_("On its way")
WAITS_FOR_COLUMN = N_("Waits for a gradebook column")
ANOTHER_STANDS = N_("Another grade stands")
ATTENTION = N_("Needs attention")
FINISHED = N_("Finished, no grade yet")
IN_PROGRESS = N_("In progress")
NOT_OPENED = N_("The course did not open")
NOT_STARTED = N_("Not started")
LABELS = (
    IN_GRADEBOOK,
    TAKEN,
    ACCEPTED_ONLY,
    ON_ITS_WAY,
    WAITS_FOR_COLUMN,
    ANOTHER_STANDS,
    ATTENTION,
    FINISHED,
    IN_PROGRESS,
    NOT_OPENED,
    NOT_STARTED,
)
SOON = N_("It is sent in a moment.")
NO_REGISTRATION = N_(
    "The activity was opened, but SCORM Cloud did not open its course. It is tried again when the "
    "learner opens the activity."
)
# For staff only.
DECIDED_ANEW = "It is decided anew and sent in a moment."
PERSON_SENDS = "It waits for a person: it goes when somebody sends it again."
EVENT_SENDS = "It is tried again when the learner opens the activity, or somebody sends it again."
OURS_INSTEAD = "Sending it again puts ours in its place."


@dataclass(frozen=True)
class LearnerState:
    """A learner's state as a label and sentences; `tone` is quiet, busy, good, wait or problem.

    `score` is ours, `held` what the LMS held at the last read, both of 100. `moving`: it will
    change within seconds, so the page polls.
    """

    label: str
    tone: str
    sentences: tuple[str, ...] = ()
    score: float | None = None
    held: float | None = None
    moving: bool = False

    @property
    def detail(self) -> str:
        """The reason for the state, and what it waits for."""
        return " ".join(self.sentences)


def decide_learner_state(progress: LearnerProgress) -> LearnerState:
    """Return a learner's state: that of the grade if there is one, else of the course."""
    return replace(_decide(progress), held=progress.held, moving=progress.is_due)


def for_learner(state: LearnerState) -> LearnerState:
    """Return the state for the learner, to whom the LMS may hide the grade that stands."""
    if state.label == ANOTHER_STANDS:
        return replace(state, sentences=(SET_IN_LMS,), held=None)
    if state.label == ACCEPTED_ONLY:
        return replace(state, sentences=(SHOWN_LATER,))
    staff = (DECIDED_ANEW, PERSON_SENDS, EVENT_SENDS)
    return replace(state, sentences=tuple(one for one in state.sentences if one not in staff))


def _decide(progress: LearnerProgress) -> LearnerState:
    given = progress.score_given
    if progress.resends:
        return _waiting(progress, DECIDED_ANEW)
    if progress.score_state == ScoreState.ACCEPTED:
        return _accepted(progress)
    if progress.score_state == ScoreState.PARKED:
        until = PERSON_SENDS if progress.stopped else EVENT_SENDS
        return LearnerState(ATTENTION, "problem", (progress.reason, until), given)
    if progress.score_state == ScoreState.SUPERSEDED:
        told = (progress.reason, OURS_INSTEAD)
        return LearnerState(ANOTHER_STANDS, "wait", told, given)
    if progress.score_state is not None:
        return _waiting(progress, SOON)
    if not progress.launched:
        return LearnerState(NOT_STARTED, "quiet")
    if not progress.registered:
        return LearnerState(NOT_OPENED, "wait", (NO_REGISTRATION,))
    if progress.completion == Completion.COMPLETED or progress.success != Success.UNKNOWN:
        return LearnerState(FINISHED, "wait", _some(progress.decided))
    return LearnerState(IN_PROGRESS, "busy")


def _waiting(progress: LearnerProgress, soon: str) -> LearnerState:
    """Return the state of a score to be sent, with what it waits for."""
    given, decided = progress.score_given, progress.decided
    if not progress.may_send:  # only an LMS admin can fix it
        return LearnerState(ATTENTION, "problem", (NOT_GRANTED,), given)
    if progress.waits_for_line_item and decided not in ("", NONE_YET):
        return LearnerState(ATTENTION, "problem", (decided,), given)
    if progress.waits_for_line_item:
        return LearnerState(WAITS_FOR_COLUMN, "wait", (NONE_YET,), given)
    if progress.pause:
        return LearnerState(ON_ITS_WAY, "wait", (progress.pause,), given)
    if progress.resends or progress.send_at is None:
        return LearnerState(ON_ITS_WAY, "busy", (soon,), given)
    at = reasons.SENT_AT.fill(until=say_time(progress.send_at))
    return LearnerState(ON_ITS_WAY, "busy", (*_some(decided), at), given)


def _accepted(progress: LearnerProgress) -> LearnerState:
    """Return the state of an accepted score, by what the LMS shows."""
    given, told = progress.score_given, _some(progress.reason)
    if progress.standing == Standing.KEPT:
        return LearnerState(ANOTHER_STANDS, "wait", told, given)
    if progress.standing == Standing.NO_FINAL:
        return LearnerState(ATTENTION, "problem", told, given)
    if progress.standing == Standing.PENDING:
        return LearnerState(ACCEPTED_ONLY, "wait", told, given)
    tone = "quiet" if progress.success == Success.FAILED else "good"
    if progress.found:
        return LearnerState(IN_GRADEBOOK, tone, told, given)
    read = progress.held is not None and given is not None and is_same(progress.held, given)
    open_end = progress.success == Success.FAILED and progress.completion != Completion.COMPLETED
    told = (COUNTS_FOR_NOW,) if open_end else ()
    return LearnerState(IN_GRADEBOOK if read else TAKEN, tone, told, given)


def _some(sentence: str) -> tuple[str, ...]:
    return (sentence,) if sentence else ()


def last_word(decided: str | None, state: LearnerState) -> str:
    """Return the result of the newest look at a grade, or "" when the state says it already."""
    said = [state.detail]
    if state.score is not None:
        said += [reasons.accepted(state.score), reasons.held(state.score)]
    return "" if decided is None or any(decided in one for one in said) else decided
