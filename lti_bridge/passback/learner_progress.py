"""What the rows know of one learner in one activity, as values."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ..core.sentences import as_sentence
from ..registrations.models import Grade, Registration
from ..scorm_cloud.progress import Completion, Success
from .models import Score
from .rules.score_states import ScoreState, Standing

# What is due so soon is worth another look at the page; what has been due for long is stuck.
SOON_DUE, LONG_DUE = timedelta(seconds=15), timedelta(minutes=2)


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
    completion: Completion = Completion.UNKNOWN
    success: Success = Success.UNKNOWN
    score_state: ScoreState | None = None
    score_given: float | None = None
    reason: str = ""
    standing: Standing | None = None
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


def progress_of(
    cell: Grade, situation: Situation, registration: Registration | None, score: Score | None
) -> LearnerProgress:
    """Return what the rows of one learner say: their newest attempt and newest decision.

    Each may be an object or a tuple with such columns, in which an outer join has left them empty.
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
    """Return what the LMS held of 100: read after an accepted score, or in place of another."""
    if score.state == ScoreState.ACCEPTED:
        return score.score_given if score.registration_id is None else score.held_after
    held = as_sentence(score.reason).values.get("held")
    return held if score.state == ScoreState.SUPERSEDED and isinstance(held, float) else None
