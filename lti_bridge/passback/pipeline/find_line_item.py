"""Where a score goes: the known line item, or the one that the LMS names for the resource link."""

from datetime import timedelta

from ...core.db import db
from ...core.errors import Refused, Unavailable
from ...lti.gradebook import NOT_GRANTED
from ...lti.values import LineItem
from ...registrations.grade_updates import trail
from ...services import Services
from ...web.sentences import N_, format_message
from ..models import Score
from ..rules import reasons
from ..rules.score_states import PARKED
from .lease import GradeLease, hold
from .snapshot import GradeSnapshot, link_row

LOOK_AGAIN_HOURS = (1.0, 24.0, 168.0)
LIST_NOT_GRANTED = N_(
    "The LMS does not let the tool look up its gradebook columns: an admin of the LMS can grant "
    "the scope lineitem.readonly."
)
NONE_YET = N_("The activity has no gradebook column yet; the score is sent when it has one.")
TOO_MANY = N_(
    "The activity has more than one gradebook column, and the LMS does not say which is meant: "
    "delete the extra ones, then resend."
)


def find_line_item(
    services: Services, lease: GradeLease, snapshot: GradeSnapshot, score_id: int
) -> str | None:
    """Return the address to send to, or None after leaving in the lease when to look again.

    Never creates one. Commits before and after a call.
    """
    if snapshot.line_item_url is not None:
        if snapshot.line_item_looks:
            lease.values |= {"line_item_looks": 0, "waits_for_line_item": False}
        return snapshot.line_item_url
    if snapshot.line_items_url is None:
        wait_for_launch(services, lease, snapshot, NONE_YET)
        return None
    deadline = services.settings.passback.lms_deadline_seconds
    hold(services, lease, deadline)
    db.session.commit()
    try:
        found = services.gradebook.find_line_items(
            snapshot.platform,
            snapshot.line_items_url,
            snapshot.resource_link_id,
            deadline,
            granted=snapshot.granted,
        )
    except Unavailable as error:
        lease.values["decision_reason"] = N_(
            "The LMS did not say where the grade goes; asked again."
        )
        lease.send_at(services.now() + timedelta(seconds=max(30.0, error.retry_after or 0.0)))
        return None
    except Refused as error:
        wait_for_launch(services, lease, snapshot, _why_refused(error))
        return None
    return _take(services, lease, snapshot, score_id, found)


def _why_refused(error: Refused) -> str:
    if error.code == NOT_GRANTED:
        return LIST_NOT_GRANTED
    if error.explanation:
        return format_message(reasons.TOKEN_REFUSED, said=error.explanation)
    return format_message(reasons.LIST_REFUSED, status=error.status or 0)


def _take(
    services: Services,
    lease: GradeLease,
    snapshot: GradeSnapshot,
    score_id: int,
    found: list[LineItem],
) -> str | None:
    if not found:
        wait_for_launch(services, lease, snapshot, NONE_YET)
        return None
    hold(services, lease)
    if len(found) > 1:
        score = db.session.get_one(Score, score_id)
        score.state, score.reason, score.finished_at = PARKED, TOO_MANY, services.now()
        lease.values["decision_reason"] = TOO_MANY
        if score.registration_id is not None:
            trail(score.registration_id, PARKED, TOO_MANY, services.now())
        db.session.commit()
        return None
    link_row(snapshot).line_item_url = found[0].url
    db.session.commit()
    lease.values |= {"line_item_looks": 0, "waits_for_line_item": False}
    return found[0].url


def wait_for_launch(
    services: Services, lease: GradeLease, snapshot: GradeSnapshot, reason: str
) -> None:
    """Look again after 1 h, 24 h and 7 d; a launch that brings what is missing wakes it at once."""
    hold(services, lease)
    lease.values |= {
        "waits_for_line_item": True,
        "line_item_looks": snapshot.line_item_looks + 1,
        "decision_reason": reason,
    }
    if snapshot.line_item_looks < len(LOOK_AGAIN_HOURS):
        hours = LOOK_AGAIN_HOURS[snapshot.line_item_looks]
        lease.next_send_at = services.now() + timedelta(hours=hours)
    else:
        lease.next_send_at = None
