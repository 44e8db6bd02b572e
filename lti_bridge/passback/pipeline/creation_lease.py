"""The lease on making a link's gradebook column: a second one would be nobody's to choose from.

Not one of `core/leases.py`: it has no token, its end fences; it must have ended before a look-up,
not before now; and it lasts longer after one whose outcome is not known.
"""

from datetime import datetime, timedelta

from sqlalchemy import case, literal, update

from ...core.db import UtcDateTime, db, update_rows
from ...core.leases import none_or_past, outlasting
from ...registrations.models import LINK
from ...services import Services

LEASE = timedelta(seconds=60)
# An LMS that says twice nothing of a column, and then does not show it, is not filled with them.
LONG_LEASE = timedelta(hours=1)


def take_creation(services: Services, link_id: int, asked_at: datetime) -> datetime | None:
    """Take the lease of a link without a column; returns when it ends, None when it is not free.

    A lease of before must have ended when the column was looked up, which was at `asked_at`: what
    came of it is known only then. Commits; the link's row is locked alone.
    """
    now = services.now()
    seconds = services.settings.passback.lms_deadline_seconds
    first, again = (
        literal(now + outlasting(seconds, least), UtcDateTime()) for least in (LEASE, LONG_LEASE)
    )
    until = LINK.c.line_item_lease_until
    row = db.session.execute(
        update(LINK)
        .where(LINK.c.id == link_id, LINK.c.line_item_url.is_(None), none_or_past(until, asked_at))
        .values(line_item_lease_until=case((until.is_(None), first), else_=again))
        .returning(until)
    ).first()
    db.session.commit()
    return row.line_item_lease_until if row is not None else None


def free_creation(link_id: int, until: datetime) -> None:
    """Give the lease back that ends at a moment: no column was made. Commits."""
    mine = {"id": link_id, "line_item_lease_until": until}
    update_rows(db.session.connection(), LINK, mine, {"line_item_lease_until": None})
    db.session.commit()
