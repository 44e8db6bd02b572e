"""The row of a resource link: created at its first launch, updated by later ones."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update

from ..core.db import insert_row
from ..core.errors import LaunchRejected, Reason
from ..lti.claims import LaunchClaims
from ..lti.memberships import SCOPE_MEMBERSHIPS
from ..lti.values import same_line_item
from ..platforms.models import Platform
from .grade_updates import lock_grades, wake_for_event
from .launch_snapshot import LaunchSnapshot, connection, get_snapshot
from .models import GRADE, LINK, ResourceLink

COURSE_KEY = "scorm_course_id"
# A whole class shares this row, so it is not written at every launch.
RENEW_LAUNCHED_AT = timedelta(minutes=1)
LONGEST_COURSE = 255
# Scores may wait for these values, which launches bring.
WAITED_FOR = {"line_item_url", "line_items_url", "service_scopes", "deployment_id"}


def keep_link(snapshot: LaunchSnapshot, claims: LaunchClaims, now: datetime) -> LaunchSnapshot:
    """Create or update the link's row from a launch, in the caller's transaction.

    Returns the launch's rows after that. Raises LaunchRejected "bad_claims" or "course_missing".
    """
    if claims.resource_link_id is None:
        raise LaunchRejected(Reason.BAD_CLAIMS, "resource_link is missing")
    if snapshot.link is None:
        _make_link(snapshot, claims.resource_link_id, now)
        snapshot = get_snapshot(snapshot.platform.id, claims)
    changes, link = _changes(snapshot, claims, now), snapshot.known_link
    # Lock order: grades before their link.
    if _brings_news(link, changes):
        wake_waiting(link.id, now, remade=_is_remade(link, changes))
    elif snapshot.waiting_grade is not None:  # for example enrolled again or unlocked
        wake_for_event(GRADE.c.id == snapshot.waiting_grade, now)
    if not changes:
        return snapshot
    connection().execute(update(LINK).where(LINK.c.id == link.id), changes)
    return get_snapshot(snapshot.platform.id, claims)


def opens_in_window(link: ResourceLink, platform: Platform) -> bool:
    """Tell whether the link's player opens in a new window; else in the LMS's frame."""
    if link.player_window is not None:
        return bool(link.player_window)
    return bool(platform.player_window)


def creates_line_item(link: Any, platform: Any) -> bool:
    """Tell whether the tool creates a link's missing gradebook column."""
    if link.creates_line_item is not None:
        return bool(link.creates_line_item)
    return bool(platform.creates_line_items)


def _make_link(snapshot: LaunchSnapshot, resource_link_id: str, now: datetime) -> None:
    insert_row(
        connection(),
        LINK,
        deployment_identity=snapshot.deployment.identity,
        resource_link_id=resource_link_id,
        deployment_id=snapshot.deployment.id,
        attempts_allowed=1,
        service_scopes=None,
        created_at=now,
        launched_at=now,
    )


def _changes(snapshot: LaunchSnapshot, claims: LaunchClaims, now: datetime) -> dict[str, Any]:
    """Return the columns that this launch changes; an absent claim never clears a value."""
    link = snapshot.known_link
    said: dict[str, Any] = {
        "deployment_id": snapshot.deployment.id,
        "launched_at": now if now - link.launched_at > RENEW_LAUNCHED_AT else link.launched_at,
        "context_id": claims.context_id or link.context_id,
        "context_title": claims.context_title or link.context_title,
        "title": claims.resource_link_title or link.title,
        "custom_course": _custom_course(claims),
        "return_url": claims.return_url or link.return_url,
        "memberships_url": claims.memberships_url or link.memberships_url,
        "service_scopes": _scopes(link, claims),
        "line_items_url": claims.line_items_url or link.line_items_url,
        "line_item_url": claims.line_item_url or link.line_item_url,
    }
    return {name: value for name, value in said.items() if value != getattr(link, name)}


def _brings_news(link: ResourceLink, changes: dict[str, Any]) -> bool:
    """Tell whether a change may help a waiting score; another host of the same LMS does not."""
    for name in WAITED_FOR & changes.keys():
        new, old = changes[name], getattr(link, name)
        if not name.endswith("_url") or old is None or not same_line_item(new, old):
            return True
    return False


def _is_remade(link: ResourceLink, changes: dict[str, Any]) -> bool:
    """Tell whether the activity has a new gradebook column."""
    new, old = changes.get("line_item_url"), link.line_item_url
    return new is not None and (old is None or not same_line_item(new, old))


def _scopes(link: ResourceLink, claims: LaunchClaims) -> list[str] | None:
    """Return the granted scopes: those of the AGS claim, and NRPS's when it is claimed."""
    known = link.service_scopes
    if claims.scopes is None:
        return known
    roster = claims.memberships_url is not None
    if claims.context_id is None:  # launches outside a context never have an NRPS claim
        roster = SCOPE_MEMBERSHIPS in (known or ())
    return sorted({*claims.scopes, *([SCOPE_MEMBERSHIPS] if roster else [])})


def _custom_course(claims: LaunchClaims) -> str | None:
    course = claims.custom.get(COURSE_KEY)
    if course is not None and (len(course) > LONGEST_COURSE or "\0" in course):
        raise LaunchRejected(Reason.COURSE_MISSING, "SCORM Cloud has no course ids of this length")
    return course


def wake_waiting(link_id: int, now: datetime, *, but: int = 0, remade: bool = False) -> None:
    """Make the link's waiting scores due, after a new line item, scope or other event.

    `remade`: the column is new, so all decided scores are sent. `but` is a grade that the caller
    works on. Uses the caller's transaction; call it before changing the link's row.
    """
    # Includes leased grades: their worker may be about to let the score wait.
    waits = or_(
        GRADE.c.waits_for_line_item.is_(True),
        GRADE.c.parked_at.is_not(None),
        GRADE.c.lease_token.is_not(None),
        *([GRADE.c.decision.is_not(None)] if remade else []),
    )
    waiting = GRADE.c.resource_link_id == link_id, GRADE.c.id != but, waits
    lock_grades(connection().scalars(select(GRADE.c.id).where(*waiting)).all())
    generation = GRADE.c.generation + 1
    connection().execute(
        update(GRADE)
        .where(*waiting)
        .values(
            next_send_at=now, generation=generation, waits_for_line_item=False, line_item_looks=0
        )
    )
