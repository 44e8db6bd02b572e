"""Who has taught where: staff who come back in a student's role look, and take no seat."""

from datetime import datetime

from ..db import db, insert_if_new
from .models import ResourceLink, StaffVisit


def remember_staff(link: ResourceLink, sub: str, now: datetime) -> None:
    """Note that a user launched this context as staff, in the caller's transaction."""
    if link.context_id is None:
        return
    insert_if_new(
        db.session,
        StaffVisit,
        platform_identity=link.deployment.platform.identity,
        context_id=link.context_id,
        sub=sub,
        first_seen_at=now,
    )
