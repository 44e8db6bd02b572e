"""Say in a few words where one learner stands: the course, and the grade on its way home."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from ..core.clock import say_time
from ..core.plain_text import counted
from ..lms.readings import HELD, HELD_HIGHER, is_same
from ..registrations.models import Registration
from ..web.sentences import N_, format_message, recognise
from .models import Score
from .pipeline.find_line_item import NONE_YET
from .rules import reasons
from .rules.exit_page import SET_IN_LMS, SHOWN_LATER
from .rules.plan import NOT_GRANTED
from .rules.score_states import ACCEPTED, KEPT, NO_FINAL, PARKED, PENDING, SUPERSEDED

# Every label there is, in the order in which they are counted.
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
# For staff.
DECIDED_ANEW = "It is decided anew and sent in a moment."
PERSON_SENDS = "It waits for a person: it goes when somebody sends it again."
EVENT_SENDS = "It is tried again when the learner opens the activity, or somebody sends it again."
OURS_INSTEAD = "Sending it again puts ours in its place."
# What is due so soon is worth another look at the page; what has been due for long is stuck.
SOON_DUE, LONG_DUE = timedelta(seconds=15), timedelta(minutes=2)
COMPLETIONS = {"COMPLETED": "completed", "INCOMPLETE": "not completed"}
SUCCESSES = {"PASSED": "passed", "FAILED": "failed"}


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

    @property
    def held_after(self) -> float | None: ...

    @property
    def stopped(self) -> bool: ...

    @property
    def registration_id(self) -> int | None: ...


class CellRow(Protocol):
    """A Grade's row, as an object or as plain columns."""

    @property
    def decision_reason(self) -> str | None: ...

    @property
    def waits_for_line_item(self) -> bool: ...

    @property
    def resend(self) -> str | None: ...

    @property
    def next_read_at(self) -> datetime | None: ...

    @property
    def next_send_at(self) -> datetime | None: ...


@dataclass(frozen=True)
class Situation:
    """What holds for every grade of an activity at the moment.

    `pause`: why the LMS is left alone, "" when it is not; `may_send`: it granted scores.
    """

    now: datetime
    pause: str = ""
    may_send: bool = True


@dataclass(frozen=True)
class LearnerProgress:
    """What the rows know of one learner in one link.

    `registered`: SCORM Cloud has the registration that was launched. `score_state` is that of the
    newest decision, None when nothing was decided yet; `score_given` of 100; `standing` says how
    an accepted one stands (rules/score_states.py), `held` what the LMS held when it was read.
    `decided`: what the last look at the grade came to. `resends`: it is to be sent again, changed
    or not.
    """

    launched: bool = False
    registered: bool = True
    completion: str = "UNKNOWN"
    success: str = "UNKNOWN"
    score_state: str | None = None
    score_given: float | None = None
    reason: str = ""
    standing: str | None = None
    held: float | None = None
    stopped: bool = False
    found: bool = False  # the LMS held it: no decision of ours
    decided: str = ""
    waits_for_line_item: bool = False
    resends: bool = False
    is_due: bool = False
    send_at: datetime | None = None  # a time of the next post that lies ahead
    pause: str = ""
    may_send: bool = True


@dataclass(frozen=True)
class LearnerState:
    """The state as a person reads it; `tone` is quiet, busy, good, wait or problem.

    `score` is ours, `held` what the LMS held when it was last read, both of 100. `moving`: another
    look in some seconds will show something else.
    """

    label: str
    tone: str
    sentences: tuple[str, ...] = ()
    score: float | None = None
    held: float | None = None
    moving: bool = False

    @property
    def detail(self) -> str:
        """Why it stands so, and what it waits for."""
        return " ".join(self.sentences)


def decide_learner_state(progress: LearnerProgress) -> LearnerState:
    """Return a learner's state: the grade's if there is one, else the course's."""
    return replace(_decide(progress), held=progress.held, moving=progress.is_due)


def for_learner(state: LearnerState) -> LearnerState:
    """Return the state as its learner may read it: what stands may be hidden from them."""
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
    if progress.score_state == ACCEPTED:
        return _accepted(progress)
    if progress.score_state == PARKED:
        until = PERSON_SENDS if progress.stopped else EVENT_SENDS
        return LearnerState(ATTENTION, "problem", (progress.reason, until), given)
    if progress.score_state == SUPERSEDED:
        told = (progress.reason, OURS_INSTEAD)
        return LearnerState(ANOTHER_STANDS, "wait", told, given)
    if progress.score_state is not None:
        return _waiting(progress, SOON)
    if not progress.launched:
        return LearnerState(NOT_STARTED, "quiet")
    if not progress.registered:
        return LearnerState(NOT_OPENED, "wait", (NO_REGISTRATION,))
    if progress.completion == "COMPLETED" or progress.success != "UNKNOWN":
        return LearnerState(FINISHED, "wait", _some(progress.decided))
    return LearnerState(IN_PROGRESS, "busy")


def _waiting(progress: LearnerProgress, soon: str) -> LearnerState:
    """Return the state of a score that is to be sent, with the one thing that it waits for."""
    given, decided = progress.score_given, progress.decided
    if not progress.may_send:  # an LMS admin can help
        return LearnerState(ATTENTION, "problem", (NOT_GRANTED,), given)
    if progress.waits_for_line_item and decided not in ("", NONE_YET):
        return LearnerState(ATTENTION, "problem", (decided,), given)
    if progress.waits_for_line_item:
        return LearnerState(WAITS_FOR_COLUMN, "wait", (NONE_YET,), given)
    if progress.pause:
        return LearnerState(ON_ITS_WAY, "wait", (progress.pause,), given)
    if progress.resends or progress.send_at is None:
        return LearnerState(ON_ITS_WAY, "busy", (soon,), given)
    at = format_message(reasons.SENT_AT, until=say_time(progress.send_at))
    return LearnerState(ON_ITS_WAY, "busy", (*_some(decided), at), given)


def _accepted(progress: LearnerProgress) -> LearnerState:
    """The LMS took the score; what it shows may be another matter."""
    given, told = progress.score_given, _some(progress.reason)
    if progress.standing == KEPT:
        return LearnerState(ANOTHER_STANDS, "wait", told, given)
    if progress.standing == NO_FINAL:
        return LearnerState(ATTENTION, "problem", told, given)
    if progress.standing == PENDING:
        return LearnerState(ACCEPTED_ONLY, "wait", told, given)
    tone = "quiet" if progress.success == "FAILED" else "good"
    if progress.found:
        return LearnerState(IN_GRADEBOOK, tone, told, given)
    read = progress.held is not None and given is not None and is_same(progress.held, given)
    return LearnerState(IN_GRADEBOOK if read else TAKEN, tone, (), given)


def _some(sentence: str) -> tuple[str, ...]:
    return (sentence,) if sentence else ()


def tell_progress(
    cell: CellRow,
    situation: Situation,
    *,
    launched_at: datetime | None,
    created_at: datetime | None,
    completion: str | None,
    success: str | None,
    score: DecidedScore | None,
) -> LearnerProgress:
    """Return what a grade's row tells, with its newest attempt and its newest decision."""
    now, send_at = situation.now, cell.next_send_at
    due = [at for at in (cell.next_read_at, send_at) if at is not None]
    progress = LearnerProgress(
        launched=launched_at is not None,
        registered=created_at is not None,
        completion=completion or "UNKNOWN",
        success=success or "UNKNOWN",
        decided=cell.decision_reason or "",
        waits_for_line_item=cell.waits_for_line_item,
        resends=cell.resend is not None,
        is_due=any(now - LONG_DUE <= at <= now + SOON_DUE for at in due),
        send_at=send_at if send_at is not None and send_at > now else None,
        pause=situation.pause,
        may_send=situation.may_send,
    )
    if score is None:
        return progress
    return replace(
        progress,
        score_state=score.state,
        score_given=score.score_given,
        reason=score.reason,
        standing=score.standing,
        held=_held(score),
        stopped=score.stopped,
        found=score.registration_id is None,
    )


def progress_of(
    cell: CellRow, situation: Situation, registration: Registration | None, score: Score | None
) -> LearnerProgress:
    """Return what the rows of one learner say: their newest attempt and newest decision."""
    return tell_progress(
        cell,
        situation,
        launched_at=registration.launched_at if registration is not None else None,
        created_at=registration.created_at if registration is not None else None,
        completion=registration.completion if registration is not None else None,
        success=registration.success if registration is not None else None,
        score=score,
    )


def _held(score: DecidedScore) -> float | None:
    """Return what the LMS held of 100: read after an accepted score, or in place of another."""
    if score.state == ACCEPTED:
        return score.score_given if score.registration_id is None else score.held_after
    known = recognise(score.reason, (HELD, HELD_HIGHER)) if score.state == SUPERSEDED else None
    return float(known[1]["held"]) if known is not None else None


def result_words(completion: str, success: str) -> str:
    """Return what the course reported beside the score, for staff."""
    if completion not in COMPLETIONS and success not in SUCCESSES:
        return "no result yet"
    told = COMPLETIONS.get(completion, "completion not reported")
    return f"{told}, {SUCCESSES.get(success, 'neither passed nor failed')}"


def result_word(completion: str, success: str) -> str:
    """Return the same in one word, for a table; "" while nothing is reported."""
    return SUCCESSES.get(success) or COMPLETIONS.get(completion, "")


def attempts_words(numbers: Sequence[int], allowed: int) -> str:
    """Return how many attempts were used; `allowed` 0 is no limit."""
    used = max(numbers, default=0)
    if not allowed:
        return f"{counted(used, 'attempt')} used, no limit"
    return f"{used} of {counted(allowed, 'attempt')} used"


def last_word(decided: str | None, state: LearnerState) -> str:
    """Return what the last look at a grade came to, where its state does not say it; "" else."""
    said = [state.detail]
    if state.score is not None:
        said += [reasons.accepted(state.score), reasons.held(state.score)]
    return "" if decided is None or any(decided in one for one in said) else decided


def minutes_of(seconds: float) -> int:
    """Return time spent as every page and file shows it: whole minutes, begun ones counted."""
    return -int(-seconds // 60)
