"""All rows that a launch needs, read in one statement.

Launches are the bridge's hottest path. Rows are plain tuples here, at a tenth of the cost of ORM
objects; workers and pages for staff use objects.
"""

from collections import namedtuple
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, Table, bindparam, func, or_, select

from ..core.db import db
from ..lti.claims import LaunchClaims
from ..platforms.accounts import select_default
from ..platforms.models import ACCOUNT, DEPLOYMENT, PLATFORM, Deployment, Platform, ScormAccount
from .models import (
    GRADE,
    LAUNCH,
    LEARNER,
    LINK,
    REGISTRATION,
    STAFF,
    Learner,
    Registration,
    ResourceLink,
)
from .staff_visits import COUNTS_FOR

# In the order of the query's columns.
PARTS = (DEPLOYMENT, PLATFORM, LINK, LEARNER, REGISTRATION, ACCOUNT)
_shapes: dict[Table, Any] = {
    table: namedtuple(table.name, [column.name for column in table.columns])
    for table in (*PARTS, LAUNCH)
}
_others = ACCOUNT.alias("other_account")
# Number of SCORM Cloud accounts, where a registration may be.
ACCOUNTS = select(func.count()).select_from(_others).scalar_subquery()
_default = select_default(_others).with_only_columns(_others.c.id).scalar_subquery()
_sub: BindParameter[str] = bindparam("sub")

# Outer joins, each on a unique constraint: what does not exist is None. The result has one row
# for each registration of the learner in the link.
_FIND = (
    select(
        *[column for table in PARTS for column in table.columns],
        GRADE.c.further_attempts,
        GRADE.c.id,
        or_(GRADE.c.parked_at.is_not(None), GRADE.c.waits_for_line_item),
        STAFF.c.seen_at,
        ACCOUNTS,
    )
    .select_from(DEPLOYMENT)
    .join(PLATFORM, PLATFORM.c.id == DEPLOYMENT.c.platform_id)
    .outerjoin(
        LINK,
        (LINK.c.deployment_identity == DEPLOYMENT.c.identity)
        & (LINK.c.resource_link_id == bindparam("resource_link_id")),
    )
    .outerjoin(
        LEARNER, (LEARNER.c.platform_identity == PLATFORM.c.identity) & (LEARNER.c.sub == _sub)
    )
    .outerjoin(
        STAFF,
        (STAFF.c.platform_identity == PLATFORM.c.identity)
        & (STAFF.c.context_id == func.coalesce(bindparam("context_id"), LINK.c.context_id))
        & (STAFF.c.sub == _sub),
    )
    .outerjoin(
        GRADE, (GRADE.c.resource_link_id == LINK.c.id) & (GRADE.c.learner_id == LEARNER.c.id)
    )
    .outerjoin(
        REGISTRATION,
        (REGISTRATION.c.resource_link_id == LINK.c.id)
        & (REGISTRATION.c.learner_id == LEARNER.c.id),
    )
    .outerjoin(
        ACCOUNT,
        ACCOUNT.c.id
        == func.coalesce(REGISTRATION.c.scorm_account_id, PLATFORM.c.scorm_account_id, _default),
    )
    .where(
        DEPLOYMENT.c.platform_id == bindparam("platform_id"),
        DEPLOYMENT.c.deployment_id == bindparam("deployment_id"),
    )
)


@dataclass(frozen=True)
class RegistrationInAccount:
    """The learner's registration in the link, if any, and the SCORM Cloud account for it."""

    registration: Registration | None
    account: ScormAccount

    @property
    def opened(self) -> Registration:
        """The registration, which must exist."""
        assert self.registration is not None
        return self.registration


@dataclass(frozen=True)
class LaunchSnapshot:
    """The rows for one launch, as tuples with the columns' names and types and no ORM attributes.

    `link` and `learner` are None before their first launch; `places` then has one entry without a
    registration.
    """

    deployment: Deployment
    platform: Platform
    link: ResourceLink | None
    learner: Learner | None
    places: tuple[RegistrationInAccount, ...]
    has_grade: bool
    waiting_grade: int | None  # id of a grade whose score waits for an event such as this launch
    staff_seen_at: datetime | None
    accounts: int
    further_attempts: int = 0

    @property
    def known_link(self) -> ResourceLink:
        """The link, which must exist."""
        assert self.link is not None
        return self.link

    @property
    def may_have_several(self) -> bool:
        """Tell whether the learner may have more than one attempt in the link."""
        return self.known_link.attempts_allowed != 1 or self.further_attempts > 0

    @property
    def registrations(self) -> list[Registration]:
        """All registrations of the learner in the link."""
        return [place.registration for place in self.places if place.registration is not None]

    def only_looks(self, now: datetime) -> bool:
        """Tell whether this is a member of staff in a learner's role, without a registration.

        Only for COUNTS_FOR after a launch as staff: roles change, and some LMSs send one context id
        for all courses. A user with a registration is a learner, even after helping to teach.
        """
        seen_at = self.staff_seen_at
        return seen_at is not None and now - seen_at < COUNTS_FOR and not self.registrations


def find_snapshot(platform_id: int, claims: LaunchClaims) -> LaunchSnapshot | None:
    """Return a launch's rows; None when the platform has no such deployment.

    Begins a write transaction, or reads in the open one.
    """
    found = connection().execute(
        _FIND,
        {
            "platform_id": platform_id,
            "deployment_id": claims.deployment_id,
            "resource_link_id": claims.resource_link_id,
            "context_id": claims.context_id,
            "sub": claims.sub,
        },
    )
    rows = [cut(row, PARTS) for row in found.all()]
    if not rows:
        return None
    deployment, platform, link, learner, _, _, further, grade_id, waits, staff, accounts = rows[0]
    places = tuple(RegistrationInAccount(row[4], row[5]) for row in rows)
    return LaunchSnapshot(
        deployment,
        platform,
        link,
        learner,
        places,
        further is not None,
        grade_id if waits else None,
        staff,
        accounts,
        further or 0,
    )


def cut(row: Sequence[Any], tables: Sequence[Table]) -> list[Any]:
    """Split a row, which begins with all columns of `tables`, into one tuple each and the rest.

    A table without a match in an outer join gives None.
    """
    parts: list[Any] = []
    at = 0
    for table in tables:
        end = at + len(table.columns)
        parts.append(_shapes[table]._make(row[at:end]) if row[at] is not None else None)
        at = end
    return [*parts, *row[at:]]


def get_snapshot(platform_id: int, claims: LaunchClaims) -> LaunchSnapshot:
    """Return a launch's rows; the deployment must exist."""
    snapshot = find_snapshot(platform_id, claims)
    assert snapshot is not None
    return snapshot


def connection() -> Connection:
    """Return the current transaction's connection, for statements without ORM objects."""
    return db.session.connection()
