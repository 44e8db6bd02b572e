"""What the rows tell about one learner in one activity, as values."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ..core.sentences import as_sentence
from ..registrations.models import Grade, Registration
from ..scorm_cloud.progress import Completion, Success
from .models import Score
from .rules.score_states import ScoreState, Standing

# The page polls for what is due within SOON_DUE; what is overdue by LONG_DUE is stuck.
SOON_DUE, LONG_DUE = timedelta(seconds=15), timedelta(minutes=2)


@dataclass(frozen=True)
class Situation:
    """What currently applies to every grade of an activity.

    `pause`: why scores are not sent at the moment, or ""; `may_send`: the LMS granted the scope.
    """

    now: datetime
    pause: str = ""
    may_send: bool = True


@dataclass(frozen=True)
class LearnerProgress:
    """What the rows tell about one learner in one link.

    `registered`: SCORM Cloud has the launched registration. `score_state` is the newest decision's,
    None without one; `score_given` of 100; `standing` is that of an accepted score
    (rules/score_states.py), `held` what the LMS held at the last read. `decided`: result of the
    newest look at the grade. `resends`: it is to be sent again, changed or not.
    """

    launched: bool = False
    registered: bool = True
    completion: Completion = Completion.UNKNOWN
    success: Success = Success.UNKNOWN
    score_state: ScoreState | None = None
    score_given: float | None = None
    reason: str = ""
    standing: Standing | None = None
    held: float | None = None
    stopped: bool = False
    found: bool = False  # read from the LMS, not decided here
    decided: str = ""
    waits_for_line_item: bool = False
    resends: bool = False
    is_due: bool = False
    send_at: datetime | None = None  # next post, if in the future
    pause: str = ""
    may_send: bool = True


def progress_of(
    cell: Grade, situation: Situation, registration: Registration | None, score: Score | None
) -> LearnerProgress:
    """Return a learner's progress from a grade's row, newest attempt and newest decision.

    Each may be an object or a tuple with such columns; those of the attempt may be empty.
    """
    now, send_at = situation.now, cell.next_send_at
    due = [at for at in (cell.next_read_at, send_at) if at is not None]
    one = registration
    progress = LearnerProgress(
        launched=one is not None and one.launched_at is not None,
        registered=one is not None and one.created_at is not None,
        completion=(one.completion if one is not None else None) or Completion.UNKNOWN,
        success=(one.success if one is not None else None) or Success.UNKNOWN,
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


def _held(score: Score) -> float | None:
    """Return the LMS's score of 100: read after an accepted score, or standing instead of it."""
    if score.state == ScoreState.ACCEPTED:
        return score.score_given if score.registration_id is None else score.held_after
    held = as_sentence(score.reason).values.get("held")
    return held if score.state == ScoreState.SUPERSEDED and isinstance(held, float) else None
