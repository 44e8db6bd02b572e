"""Find the line item for a score, or create it where an admin has enabled that."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import and_, select, update

from ...core.db import db, write
from ...core.errors import Refused, Unavailable
from ...core.sentences import coded
from ...lms import score_replies
from ...lti.gradebook import INVALID_SCOPE, NOT_GRANTED
from ...lti.values import same_line_item
from ...registrations.grade_updates import lock_where, send_now
from ...registrations.models import Grade, ResourceLink
from ...registrations.resource_links import wake_waiting
from ...services import Services
from ..models import Score
from ..rules import reasons
from ..rules.grade_snapshot import GradeSnapshot
from ..rules.plan import End
from ..rules.score_states import ScoreState
from .creation_lease import free_creation, take_creation
from .lease import GradeLease
from .read_gradebook import ASK_AGAIN_SECONDS, ask, with_pause

LIST_NOT_GRANTED = coded(
    "list_not_granted",
    "The LMS does not let the tool look up its gradebook columns: an admin of the LMS can grant "
    "the scope lineitem.readonly.",
)
NONE_YET = coded(
    "none_yet", "The activity has no gradebook column yet; the score is sent when it has one."
)
TOO_MANY = coded(
    "too_many",
    "The activity has more than one gradebook column, and the LMS does not say which is meant. "
    "When the extra ones are deleted, the score is sent.",
)
CREATE_NOT_GRANTED = coded(
    "create_not_granted",
    "The activity has no gradebook column, and the LMS does not let the tool make one: an admin of "
    "the LMS can grant the scope lineitem.",
)
MADE_BY_OTHERS = coded(
    "made_by_others", "The activity's gradebook column is being made; then the score is sent."
)
NO_COLUMN_NAMED = coded("no_column_named", "The LMS did not say where the grade goes; asked again.")
MADE_PERHAPS = coded(
    "made_perhaps",
    "The LMS did not say whether it made the activity's gradebook column; it is looked up before "
    "another one is made.",
)
NOT_MADE = coded("not_made", "The LMS could not make the activity's gradebook column; asked again.")


def find_line_item(
    services: Services, lease: GradeLease, snapshot: GradeSnapshot
) -> tuple[GradeLease, GradeSnapshot, End | None]:
    """Return the grade's values with its line item, or the turn's end when there is none.

    Creates one if none is found and an admin has enabled that. Commits before each call; a line
    item is stored at once, and the other grades that wait for it become due.
    """
    asked_at = services.now()
    list_url = snapshot.line_items_url
    if list_url is None:
        return lease, snapshot, End(ScoreState.QUEUED, NONE_YET, waits=True)
    lease, found = ask(
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
        return lease, snapshot, end_later(services, NO_COLUMN_NAMED, found)
    if isinstance(found, Refused):
        return lease, snapshot, End(ScoreState.QUEUED, _why_refused(found), waits=True)
    if len(found) > 1:
        return lease, snapshot, End(ScoreState.PARKED, TOO_MANY)
    if found:
        return lease, _keep(services, snapshot, found[0]), None
    if not snapshot.creates_line_item:
        return lease, snapshot, End(ScoreState.QUEUED, NONE_YET, waits=True)
    return _create(services, lease, snapshot, list_url, asked_at)


def _create(
    services: Services,
    lease: GradeLease,
    snapshot: GradeSnapshot,
    list_url: str,
    asked_at: datetime,
) -> tuple[GradeLease, GradeSnapshot, End | None]:
    """Create a column that the look-up at `asked_at` did not find; one worker at a time."""
    until = take_creation(services, snapshot.link_row_id, asked_at)
    if until is None:
        again_at = services.now() + timedelta(seconds=ASK_AGAIN_SECONDS)
        return lease, snapshot, End(ScoreState.QUEUED, MADE_BY_OTHERS, again_at)
    lease, made = ask(
        services,
        lease,
        lambda seconds: services.gradebook.create_line_item(
            snapshot.platform,
            list_url,
            snapshot.resource_link_id,
            snapshot.link_title,
            seconds,
            granted=snapshot.granted,
        ),
    )
    if isinstance(made, str):
        return lease, _keep(services, snapshot, made), None
    if isinstance(made, Unavailable) and made.effect_unknown:
        end = end_later(services, MADE_PERHAPS, made)
        return lease, snapshot, replace(end, again_at=max(until, end.again_at or until))
    free_creation(snapshot.link_row_id, until)
    if isinstance(made, Unavailable):
        return lease, snapshot, end_later(services, NOT_MADE, made)
    return lease, snapshot, End(ScoreState.QUEUED, _why_not_created(made), waits=True)


def _keep(services: Services, snapshot: GradeSnapshot, url: str) -> GradeSnapshot:
    keep_line_item(services, snapshot.link_row_id, url, but=snapshot.grade_id)
    return replace(snapshot, line_item_url=url)


def end_later(services: Services, reason: str, error: Unavailable) -> End:
    """Return the turn's end when the LMS did not answer."""
    now = services.now()
    again_at = now + timedelta(seconds=ASK_AGAIN_SECONDS)
    later = score_replies.TryLater(reason, error.retry_after, error.throttled)
    return with_pause(End(ScoreState.QUEUED, reason, again_at, failed=True), later, now)


def keep_line_item(services: Services, link_id: int, url: str, *, but: int = 0) -> None:
    """Store a line item that was found; grades that wait for it, except `but`, are due. Commits.

    If it is a known one, parked scores are not due: some LMSs answer "gone" for a column when they
    mean a user, and the grades would make each other due without end.
    """
    grades = select(Grade.id).where(Grade.resource_link_id == link_id)
    used = select(Score.line_item_url).where(Score.grade_id.in_(grades)).distinct()
    known = [one for one in db.session.scalars(used) if one is not None]
    if any(same_line_item(url, one) for one in known):
        waits = Grade.waits_for_line_item.is_(True), Grade.id != but
        waiting = and_(Grade.resource_link_id == link_id, *waits)
        lock_where(waiting)
        send_now(waiting, services.now(), waits_for_line_item=False)
    else:
        wake_waiting(link_id, services.now(), but=but, remade=True)
    unknown = ResourceLink.id == link_id, ResourceLink.line_item_url.is_(None)
    statement = update(ResourceLink).where(*unknown)
    write(statement.values(line_item_url=url, line_item_lease_until=None))
    db.session.commit()


def _why_refused(error: Refused) -> str:
    if error.code == NOT_GRANTED:
        return LIST_NOT_GRANTED
    if error.explanation:
        return reasons.TOKEN_REFUSED.fill(said=error.explanation)
    return reasons.LIST_REFUSED.fill(status=error.status or 0)


def _why_not_created(error: Refused) -> str:
    if error.code in (NOT_GRANTED, INVALID_SCOPE):
        return CREATE_NOT_GRANTED
    if error.explanation:
        return reasons.TOKEN_REFUSED.fill(said=error.explanation)
    return reasons.CREATE_REFUSED.fill(status=error.status or 0)
