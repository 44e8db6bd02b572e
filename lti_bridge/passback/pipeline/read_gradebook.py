"""Ask the LMS where a score goes, and what stands there."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

from sqlalchemy import update

from ...core.db import db
from ...core.errors import NotReadWhole, Refused, Unavailable
from ...lms import score_replies
from ...lms.readings import Reading, Unclear
from ...lms.registry import get_lms
from ...lti.gradebook import INVALID_SCOPE, NOT_GRANTED
from ...lti.paging import ANSWERED
from ...registrations.models import ResourceLink
from ...registrations.resource_links import wake_waiting
from ...services import Services
from ...web.sentences import N_, format_message
from ..rules import reasons
from ..rules.grade_snapshot import GradeSnapshot
from ..rules.plan import End
from ..rules.score_states import PARKED, QUEUED
from .lease import GradeLease, outlast

ASK_AGAIN_SECONDS = 30.0
LIST_NOT_GRANTED = N_(
    "The LMS does not let the tool look up its gradebook columns: an admin of the LMS can grant "
    "the scope lineitem.readonly."
)
NONE_YET = N_("The activity has no gradebook column yet; the score is sent when it has one.")
TOO_MANY = N_(
    "The activity has more than one gradebook column, and the LMS does not say which is meant. "
    "When the extra ones are deleted, the score is sent."
)
NO_TOKEN = N_("The LMS gives the tool no access token; it is tried again.")
_LATER = N_("The LMS did not say where the grade goes; asked again.")
_NOT_YET = N_("The LMS cannot say yet which grade it holds.")
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


def find_line_item(
    services: Services, lease: GradeLease, snapshot: GradeSnapshot
) -> tuple[GradeLease, GradeSnapshot, End | None]:
    """Return the case with the column that the LMS names, or how the turn ends without one.

    Never creates one. Commits before the call; a column that is found is kept at once, and wakes
    the other grades that wait for it.
    """
    list_url = snapshot.line_items_url
    if list_url is None:
        return lease, snapshot, End(QUEUED, NONE_YET, waits=True)
    lease, found = _ask(
        services,
        lease,
        lambda seconds: services.gradebook.find_line_items(
            snapshot.platform,
            list_url,
            snapshot.resource_link_id,
            seconds,
            granted=snapshot.granted,
        ),
    )
    if isinstance(found, Unavailable):
        wait = timedelta(seconds=max(ASK_AGAIN_SECONDS, found.retry_after or 0.0))
        return lease, snapshot, End(QUEUED, _LATER, services.now() + wait, failed=True)
    if isinstance(found, Refused):
        return lease, snapshot, End(QUEUED, _why_refused(found), waits=True)
    if not found:
        return lease, snapshot, End(QUEUED, NONE_YET, waits=True)
    if len(found) > 1:
        return lease, snapshot, End(PARKED, TOO_MANY)
    keep_line_item(services, snapshot.link_row_id, found[0].url, but=snapshot.grade_id)
    return lease, replace(snapshot, line_item_url=found[0].url), None


def keep_line_item(services: Services, link_id: int, url: str, *, but: int = 0) -> None:
    """Keep a column that was found, and let all but one grade go that wait for it. Commits."""
    wake_waiting(link_id, services.now(), but=but, remade=True)
    statement = update(ResourceLink).where(ResourceLink.id == link_id)
    db.session.execute(
        statement.values(line_item_url=url).execution_options(synchronize_session=False)
    )
    db.session.commit()


def _why_refused(error: Refused) -> str:
    if error.code == NOT_GRANTED:
        return LIST_NOT_GRANTED
    if error.explanation:
        return format_message(reasons.TOKEN_REFUSED, said=error.explanation)
    return format_message(reasons.LIST_REFUSED, status=error.status or 0)


def read_cell(
    services: Services, lease: GradeLease, snapshot: GradeSnapshot
) -> tuple[GradeLease, Reading | Failure | Unreadable]:
    """Return what the LMS shows in the learner's cell. Commits before the call."""
    url = snapshot.line_item_url
    assert url is not None
    lease, found = _ask(
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
        later = score_replies.TryLater(_NOT_YET, found.retry_after)
        return lease, Failure(later)
    if isinstance(found, Refused):
        return lease, _judge_refusal(snapshot, found)
    return lease, lms.read_cell(found, snapshot.sub)


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
    return score_replies.TryLater(
        format_message(reasons.TOKEN_REFUSED, said=said) if said else NO_TOKEN
    )


def no_access() -> score_replies.TryLater:
    """Return what an always refused token means: not asked again in a loop."""
    text = N_("The LMS does not accept the tool's access token; an admin must look at it.")
    return score_replies.TryLater(text, 600.0)


def _ask(
    services: Services, lease: GradeLease, call: Callable[[float], T]
) -> tuple[GradeLease, T | Unavailable | Refused]:
    """Make one call to the LMS under the lease, and return its failure as a value."""
    seconds = services.settings.passback.lms_deadline_seconds
    lease = outlast(services, lease, seconds)
    try:
        return lease, call(seconds)
    except (Unavailable, Refused) as error:
        return lease, error
