"""Recent launches as staff: a later launch as learner by the same user is a preview."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from ..core.db import db, insert_if_new, write
from .models import ResourceLink, StaffVisit

# How long after a launch as staff.
COUNTS_FOR = timedelta(hours=12)


def remember_staff(platform_identity: str, context_id: str | None, sub: str, now: datetime) -> None:
    """Record that a user launched a context as staff, in the caller's transaction."""
    if context_id is None:
        return
    who = {"platform_identity": platform_identity, "context_id": context_id, "sub": sub}
    if insert_if_new(db.session, StaffVisit, **who, first_seen_at=now, seen_at=now):
        return
    mine = update(StaffVisit).filter_by(**who).values(seen_at=now)
    write(mine)


def forget_staff(platform_identity: str, context_id: str | None, sub: str) -> None:
    """Delete a user's launches of a context as staff: this user is a learner there.

    In the caller's transaction.
    """
    mine = delete(StaffVisit).filter_by(
        platform_identity=platform_identity, context_id=context_id, sub=sub
    )
    write(mine)


def find_staff(link: ResourceLink) -> set[str]:
    """Return the `sub` of users who launched the link's context as staff."""
    query = select(StaffVisit.sub).where(
        StaffVisit.platform_identity == link.deployment.platform.identity,
        StaffVisit.context_id == link.context_id,
    )
    return set(db.session.scalars(query))
