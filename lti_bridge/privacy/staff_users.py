"""Users with staff launches only: find, export and erase their visits."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, select

from ..audit.log import OPERATOR, record
from ..core.db import Base, affected, db, reading
from ..core.errors import ConfigurationError
from ..people.models import ConsoleGrant, ConsoleSession
from ..platforms.models import Platform
from ..registrations.models import Learner, StaffVisit
from ..services import Services
from .export import NOTES, Document, plain_all

PREFIX = "staff-"


@dataclass(frozen=True)
class FoundStaff:
    """One such user, by the id of one of their visits. Their name is not stored."""

    number: int
    platform_id: int
    platform_name: str
    platform_identity: str
    sub: str
    visits: int
    seen_at: datetime | None

    @property
    def name(self) -> str:
        """The user's identifier in commands."""
        return f"{PREFIX}{self.number}"


def find_staff_users(text: str, *, platform_id: int | None = None) -> list[FoundStaff]:
    """Return the users with this user id who have nothing stored but staff visits.

    Learners are left out, as `find_learners` finds them. Reads in the caller's transaction.
    """
    text = text.strip()
    learner = select(Learner.id).where(
        Learner.platform_identity == StaffVisit.platform_identity, Learner.sub == StaffVisit.sub
    )
    found = _found(StaffVisit.sub == text, ~learner.exists()) if text else ()
    return [one for one in found if platform_id in (None, one.platform_id)]


def get_staff_user(number: int) -> FoundStaff:
    """Return one such user; raises ConfigurationError when there is no such visit (any more)."""
    visit = db.session.get(StaffVisit, number)
    if visit is None:
        raise ConfigurationError(
            f"there is no {PREFIX}{number}: visits as staff are forgotten after a day; "
            "`lti-bridge learner find` shows those that are left"
        )
    (found,) = _found(
        StaffVisit.platform_identity == visit.platform_identity, StaffVisit.sub == visit.sub
    )
    return found


def _found(*conditions: ColumnElement[bool]) -> Iterator[FoundStaff]:
    visit = StaffVisit
    query = (
        select(
            func.max(visit.id),
            Platform.id,
            Platform.name,
            visit.platform_identity,
            visit.sub,
            func.count(),
            func.max(visit.seen_at),
        )
        .join(Platform, Platform.identity == visit.platform_identity)
        .where(*conditions)
        .group_by(Platform.id, Platform.name, visit.platform_identity, visit.sub)
    )
    return (FoundStaff(*row) for row in db.session.execute(query.order_by(Platform.id)).all())


def _kinds(user: FoundStaff) -> dict[str, tuple[type[Base], ColumnElement[bool]]]:
    """Return every kind of row about the user, in a valid order of deletion."""
    granted = and_(ConsoleGrant.platform_id == user.platform_id, ConsoleGrant.sub == user.sub)
    sessions = ConsoleSession.grant_id.in_(select(ConsoleGrant.id).where(granted))
    visited = and_(
        StaffVisit.platform_identity == user.platform_identity, StaffVisit.sub == user.sub
    )
    return {
        "staff visits": (StaffVisit, visited),
        "console sessions": (ConsoleSession, sessions),
        "console grants": (ConsoleGrant, granted),
    }


def export_staff_user(services: Services, number: int) -> Document:
    """Return everything stored about such a user, in the format of `export_learner`."""
    with reading():
        user = get_staff_user(number)
        rows: dict[str, Any] = {
            kind.replace(" ", "_"): plain_all(db.session.scalars(select(model).where(condition)))
            for kind, (model, condition) in _kinds(user).items()
        }
    return {
        "exported_at": services.now().isoformat(),
        "from": services.settings.public_url,
        "notes": list(NOTES[:2]),
        "user": {"sub": user.sub, "platform": user.platform_name},
        **rows,
    }


def erase_staff_user(services: Services, number: int) -> dict[str, int]:
    """Delete all rows about such a user; returns their number by kind. Commits.

    Raises ConfigurationError when there is no such visit.
    """
    user = get_staff_user(number)
    counts = {
        kind: affected(db.session.execute(delete(model).where(condition)))
        for kind, (model, condition) in _kinds(user).items()
    }
    text = "erased what was kept of a user who was here as staff"
    record(
        OPERATOR, "erase", "staff visits", text, now=services.now(), platform_id=user.platform_id
    )
    db.session.commit()
    return counts
