"""Read a learner's cell in the LMS's gradebook."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from ...core.clock import say_time
from ...core.errors import NotReadWhole, Refused, Unavailable
from ...core.sentences import coded
from ...lms import score_replies
from ...lms.readings import HeldGrade, Reading, Unclear, is_same
from ...lms.registry import get_lms
from ...lti.gradebook import INVALID_SCOPE, NOT_GRANTED
from ...lti.paging import ANSWERED
from ...services import Services
from ..rules import reasons
from ..rules.grade_snapshot import GradeSnapshot
from ..rules.plan import End
from .lease import GradeLease, outlast

ASK_AGAIN_SECONDS = 30.0
LONGEST_PAUSE_SECONDS = 24 * 3600.0
# A token that is always refused needs an admin, so it is retried rarely.
NO_ACCESS_SECONDS = 600.0
NO_TOKEN = coded("no_token", "The LMS gives the tool no access token; it is tried again.")
TOKEN_NOT_TAKEN = coded(
    "token_not_taken", "The LMS does not accept the tool's access token; an admin must look at it."
)
NOT_YET = coded("not_yet", "The LMS cannot say yet which grade it holds.")
# Statuses of a read that mean the same as for a post.
_AS_A_POST = (401, 404, 412, 422)
T = TypeVar("T")


@dataclass(frozen=True)
class Failure:
    """A read without an answer: what it means for the score, and values for the try's row."""

    outcome: score_replies.TryLater | score_replies.ScoreRejected
    status: int | None = None
    excerpt: str = ""


@dataclass(frozen=True)
class Unreadable:
    """The tool may not read results, so the cell's content stays unknown."""


def say_pause(until: datetime, *, throttled: bool) -> str:
    """Return the sentence for a pause; only a throttle's pause never ends early."""
    template = reasons.THROTTLED if throttled else reasons.PAUSED
    return template.fill(until=say_time(until))


def with_pause(end: End, outcome: score_replies.TryLater, now: datetime) -> End:
    """Return a turn's end with the pause that the LMS asked for, if any."""
    if not outcome.after or outcome.is_ours:
        return end
    until = now + timedelta(seconds=min(outcome.after, LONGEST_PAUSE_SECONDS))
    return replace(
        end,
        reason=say_pause(until, throttled=outcome.throttled),
        again_at=until,
        pauses_until=until,
        throttled=outcome.throttled,
    )


def read_cell(
    services: Services, lease: GradeLease, snapshot: GradeSnapshot, ours: float
) -> tuple[GradeLease, Reading | Failure | Unreadable]:
    """Return the learner's cell as the LMS shows it; `ours` is the score expected there.

    Commits before each call.
    """
    url = snapshot.line_item_url
    assert url is not None
    lease, found = ask(
        services,
        lease,
        lambda seconds: services.gradebook.read_results_of(
            snapshot.platform, url, snapshot.sub, seconds, granted=snapshot.granted
        ),
    )
    lms = get_lms(snapshot.platform.dialect)
    if isinstance(found, NotReadWhole):
        return lease, Unclear()
    if isinstance(found, Unavailable):
        later = score_replies.TryLater(NOT_YET, found.retry_after, found.throttled)
        return lease, Failure(later)
    if isinstance(found, Refused):
        return lease, _judge_refusal(snapshot, found)
    cell = lms.read_cell(found, snapshot.sub)
    if not lms.rescales or not isinstance(cell, HeldGrade) or _is_expected(cell, ours):
        return lease, cell
    # It may be our score on a scale that has changed: read the column's maximum.
    lease, maximum = ask(
        services,
        lease,
        lambda seconds: services.gradebook.read_maximum(
            snapshot.platform, url, seconds, granted=snapshot.granted
        ),
    )
    if not isinstance(maximum, float):  # the LMS does not say
        return lease, cell
    return lease, lms.read_cell([one.on_scale_of(maximum) for one in found], snapshot.sub)


def _is_expected(cell: HeldGrade, ours: float) -> bool:
    return cell.score is None or is_same(cell.score, ours)


def _judge_refusal(snapshot: GradeSnapshot, error: Refused) -> Failure | Unreadable | Unclear:
    """Return what a refused read means: the same as a refused post, where a post would fail too."""
    granted = snapshot.granted is not None
    if error.code == NOT_GRANTED or (error.code == INVALID_SCOPE and not granted):
        return Unreadable()
    if error.code != ANSWERED:
        return Failure(token_refused(error), error.status, error.explanation)
    if error.status == 401 and not granted:  # some LMSs answer this when the scope is missing
        return Unreadable()
    reply = score_replies.Reply(error.status or 0, error.excerpt)
    outcome = get_lms(snapshot.platform.dialect).read_reply(reply)
    if isinstance(outcome, score_replies.Reauthorize):
        outcome = no_access()
    if isinstance(outcome, score_replies.TryLater):
        return Failure(outcome, error.status, error.excerpt)
    if isinstance(outcome, score_replies.ScoreRejected) and error.status in _AS_A_POST:
        return Failure(outcome, error.status, error.excerpt)
    return Unclear()


def token_refused(error: Refused) -> score_replies.TryLater:
    """Return the outcome when the LMS refuses a token: an admin must change the key or scopes."""
    said = error.explanation
    reason = reasons.TOKEN_REFUSED.fill(said=said) if said else NO_TOKEN
    return score_replies.TryLater(reason, is_ours=True)


def no_access() -> score_replies.TryLater:
    """Return the outcome when the LMS refuses each new token: it is retried rarely."""
    return score_replies.TryLater(TOKEN_NOT_TAKEN, NO_ACCESS_SECONDS, is_ours=True)


def ask(
    services: Services, lease: GradeLease, call: Callable[[float], T]
) -> tuple[GradeLease, T | Unavailable | Refused]:
    """Make one call to the LMS under the lease; returns its failure as a value."""
    seconds = services.settings.passback.lms_deadline_seconds
    lease = outlast(services, lease, seconds)
    try:
        return lease, call(seconds)
    except (Unavailable, Refused) as error:
        return lease, error
