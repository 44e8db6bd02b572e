"""Ask the LMS what stands in a learner's cell."""

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
# An always refused token is a matter for an admin: not asked again in a loop.
NO_ACCESS_SECONDS = 600.0
NO_TOKEN = coded("no_token", "The LMS gives the tool no access token; it is tried again.")
TOKEN_NOT_TAKEN = coded(
    "token_not_taken", "The LMS does not accept the tool's access token; an admin must look at it."
)
NOT_YET = coded("not_yet", "The LMS cannot say yet which grade it holds.")
# Statuses with which a reading fails as a post would.
_AS_A_POST = (401, 404, 412, 422)
T = TypeVar("T")


@dataclass(frozen=True)
class Failure:
    """A reading without an answer: what it means for a score, and what the record keeps of it."""

    outcome: score_replies.TryLater | score_replies.ScoreRejected
    status: int | None = None
    excerpt: str = ""


@dataclass(frozen=True)
class Unreadable:
    """The tool may not read here: whatever stands, it cannot be known."""


def say_pause(until: datetime, *, throttled: bool) -> str:
    """Return the sentence for a pause that the LMS asked for; only a throttle's is kept whole."""
    template = reasons.THROTTLED if throttled else reasons.PAUSED
    return template.fill(until=say_time(until))


def with_pause(end: End, outcome: score_replies.TryLater, now: datetime) -> End:
    """Return an end with the pause that the LMS asked for, if it did."""
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
    """Return what the LMS shows in the learner's cell, which is `ours` if nothing has changed.

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
    # Before it counts as another grade: the column may have got another maximum.
    lease, maximum = ask(
        services,
        lease,
        lambda seconds: services.gradebook.read_maximum(
            snapshot.platform, url, seconds, granted=snapshot.granted
        ),
    )
    if not isinstance(maximum, float):  # nobody says so
        return lease, cell
    return lease, lms.read_cell([one.on_scale_of(maximum) for one in found], snapshot.sub)


def _is_expected(cell: HeldGrade, ours: float) -> bool:
    return cell.score is None or is_same(cell.score, ours)


def _judge_refusal(snapshot: GradeSnapshot, error: Refused) -> Failure | Unreadable | Unclear:
    """A reading that fails as a post would is judged as that answer."""
    granted = snapshot.granted is not None
    if error.code == NOT_GRANTED or (error.code == INVALID_SCOPE and not granted):
        return Unreadable()
    if error.code != ANSWERED:
        return Failure(token_refused(error), error.status, error.explanation)
    if error.status == 401 and not granted:  # so some LMSs say that the scope is missing
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
    """Return what it means that the LMS gives no token: an admin can change the key or scopes."""
    said = error.explanation
    reason = reasons.TOKEN_REFUSED.fill(said=said) if said else NO_TOKEN
    return score_replies.TryLater(reason, is_ours=True)


def no_access() -> score_replies.TryLater:
    """Return what an always refused token means: not asked again in a loop."""
    return score_replies.TryLater(TOKEN_NOT_TAKEN, NO_ACCESS_SECONDS, is_ours=True)


def ask(
    services: Services, lease: GradeLease, call: Callable[[float], T]
) -> tuple[GradeLease, T | Unavailable | Refused]:
    """Make one call to the LMS under the lease, and return its failure as a value."""
    seconds = services.settings.passback.lms_deadline_seconds
    lease = outlast(services, lease, seconds)
    try:
        return lease, call(seconds)
    except (Unavailable, Refused) as error:
        return lease, error
