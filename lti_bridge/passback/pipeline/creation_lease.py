"""The lease for creating a link's gradebook column, so that only one column is created.

Not one of `core/leases.py`: it has no token (its end time identifies it), it must have ended
before the look-up, not before now, and it lasts longer after a request with unknown outcome.
"""

from datetime import datetime, timedelta

from sqlalchemy import case, literal, update

from ...core.db import UtcDateTime, db, update_rows
from ...core.leases import none_or_past, outlasting
from ...registrations.models import LINK
from ...services import Services

LEASE = timedelta(seconds=60)
# Limits the columns of an LMS whose answers are lost and whose lists do not show them.
LONG_LEASE = timedelta(hours=1)


def take_creation(services: Services, link_id: int, asked_at: datetime) -> datetime | None:
    """Lease a link without a column; returns the lease's end, None when it is not free.

    A former lease must have ended before the look-up at `asked_at`: only then did the look-up show
    its result. Commits; locks only the link's row.
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
    """Release the lease that ends at `until`: no column was created. Commits."""
    mine = {"id": link_id, "line_item_lease_until": until}
    update_rows(db.session.connection(), LINK, mine, {"line_item_lease_until": None})
    db.session.commit()
