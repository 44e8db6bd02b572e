"""Who has just taught where: staff in a student's role only look, and get no registration."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from ..core.db import db, insert_if_new, write
from .models import ResourceLink, StaffVisit

# So long a launch as learner by the same user in the same context is taken for a look.
COUNTS_FOR = timedelta(hours=12)


def remember_staff(platform_identity: str, context_id: str | None, sub: str, now: datetime) -> None:
    """Note that a user launched this context as staff, in the caller's transaction."""
    if context_id is None:
        return
    who = {"platform_identity": platform_identity, "context_id": context_id, "sub": sub}
    if insert_if_new(db.session, StaffVisit, **who, first_seen_at=now, seen_at=now):
        return
    mine = update(StaffVisit).filter_by(**who).values(seen_at=now)
    write(mine)


def forget_staff(platform_identity: str, context_id: str | None, sub: str) -> None:
    """Take back that a user is staff of this context: they say that they learn there.

    In the caller's transaction.
    """
    mine = delete(StaffVisit).filter_by(
        platform_identity=platform_identity, context_id=context_id, sub=sub
    )
    write(mine)


def find_staff(link: ResourceLink) -> set[str]:
    """Return the users who are known to have launched the link's context as staff."""
    query = select(StaffVisit.sub).where(
        StaffVisit.platform_identity == link.deployment.platform.identity,
        StaffVisit.context_id == link.context_id,
    )
    return set(db.session.scalars(query))
