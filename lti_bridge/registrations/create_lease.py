"""The create lease: only its holder may POST a registration to SCORM Cloud."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select, update

from ..core import correlation
from ..core.db import affected, db, reading
from ..core.errors import LaunchRejected, Reason, Unavailable
from ..core.leases import Leases
from ..lti.claims import LaunchClaims
from ..platforms.accounts import Account
from ..platforms.models import ACCOUNT
from ..scorm_cloud.request_bodies import LearnerValues
from .grade_updates import lock_grade_of, mark_due
from .identity import registration_id
from .launch_snapshot import (
    ACCOUNTS,
    LaunchSnapshot,
    RegistrationInAccount,
    connection,
    cut,
)
from .models import GRADE, LAUNCH, LEARNER, LINK, REGISTRATION, Registration, ResourceLink

LEASE = timedelta(seconds=30)
# The holder's HEAD and POST end within this time. The rest of the lease covers clock differences
# and late answers.
CALLS_SECONDS = 10.0
LEAST_CALL_SECONDS = 0.25
LEASES = Leases(
    REGISTRATION,
    REGISTRATION.c.created_at.is_(None),
    token="create_lease_token",
    until="create_lease_until",
)


class CallTime:
    """The time budget for a lease holder's calls; it also runs while the process is stopped.

    `each` is the longest time of one call, in seconds.
    """

    def __init__(self, each: float) -> None:
        self.each = each
        self._ends = time.monotonic() + CALLS_SECONDS

    def left(self) -> float:
        """Return the next call's deadline in seconds; raises Unavailable when time is up."""
        left = self._ends - time.monotonic()
        if left < LEAST_CALL_SECONDS:
            raise Unavailable("SCORM Cloud is slow; the registration was not created yet")
        return min(self.each, left)


@dataclass(frozen=True)
class OpenedRegistration:
    """A registration's values for creating it: no row stays open across an HTTP call.

    `alone`: only one SCORM Cloud account exists, so it cannot be in another one.
    """

    row_id: int
    registration_id: str
    course_id: str
    attempt: int
    account: Account
    created: bool
    posted: bool
    lease_until: datetime | None
    platform_identity: str
    deployment_identity: str
    resource_link_id: str
    sub: str
    learner: LearnerValues
    locale: str | None
    alone: bool

    def id_of(self, attempt: int) -> str:
        """Return the registration id of another attempt by the same learner in the link."""
        return registration_id(
            self.platform_identity,
            self.deployment_identity,
            self.resource_link_id,
            self.sub,
            self.course_id,
            attempt,
        )

    def is_free(self, now: datetime) -> bool:
        """Tell whether the create lease seems free; only `take_lease` decides."""
        return self.lease_until is None or self.lease_until <= now

    def owner_is_gone(self, now: datetime) -> bool:
        """Tell whether the lease holder's time for calls is over, though it stored no result."""
        if self.lease_until is None:
            return False
        return now > self.lease_until - LEASE + timedelta(seconds=CALLS_SECONDS)


def _registration(
    row: Registration,
    account: Account,
    learner: LearnerValues,
    link: ResourceLink,
    accounts: int,
    **facts: Any,
) -> OpenedRegistration:
    return OpenedRegistration(
        row_id=row.id,
        registration_id=row.registration_id,
        course_id=row.course_id,
        attempt=row.attempt,
        account=account,
        created=row.created_at is not None,
        posted=row.posted_at is not None,
        lease_until=row.create_lease_until,
        deployment_identity=link.deployment_identity,
        resource_link_id=link.resource_link_id,
        learner=learner,
        alone=accounts == 1,
        **facts,
    )


def opened_registration(
    place: RegistrationInAccount,
    snapshot: LaunchSnapshot,
    claims: LaunchClaims,
    learner: LearnerValues,
) -> OpenedRegistration:
    """Return the registration of a launch from its newly stored rows."""
    return _registration(
        place.opened,
        place.account,
        learner,
        snapshot.known_link,
        snapshot.accounts,
        platform_identity=snapshot.platform.identity,
        sub=claims.sub,
        locale=claims.locale,
    )


def _is_there(row_id: int) -> bool:
    return (
        connection().execute(select(REGISTRATION.c.id).where(REGISTRATION.c.id == row_id)).first()
        is not None
    )


def _gone() -> LaunchRejected:
    """Roll back, and return the error for a launch erased in the meantime."""
    db.session.rollback()
    return LaunchRejected(Reason.RESUME_INVALID, "the launch's rows have gone")


_LOADED = (REGISTRATION, ACCOUNT, LEARNER, LINK, LAUNCH)
_LOAD = (
    select(*[column for table in _LOADED for column in table.columns], ACCOUNTS)
    .select_from(LAUNCH)
    .join(REGISTRATION, REGISTRATION.c.id == LAUNCH.c.registration_id)
    .join(ACCOUNT, ACCOUNT.c.id == REGISTRATION.c.scorm_account_id)
    .join(LEARNER, LEARNER.c.id == REGISTRATION.c.learner_id)
    .join(LINK, LINK.c.id == REGISTRATION.c.resource_link_id)
    .where(LAUNCH.c.id == bindparam("launch_id"))
)


def load_registration(launch_id: int) -> OpenedRegistration:
    """Return a launch's current registration. Commits, so that no transaction stays open.

    Raises LaunchRejected "resume_invalid" when the learner was erased in the meantime.
    """
    with reading():
        found = connection().execute(_LOAD, {"launch_id": launch_id}).one_or_none()
    if found is None:
        raise _gone()
    row, account, learner, link, launch, accounts = cut(found, _LOADED)
    correlation.follow(launch.correlation_id)
    names = learner.first_name, learner.last_name, learner.email
    return _registration(
        row,
        account,
        LearnerValues(learner.scorm_learner_id, *names),
        link,
        accounts,
        platform_identity=learner.platform_identity,
        sub=learner.sub,
        locale=launch.locale,
    )


def take_lease(registration: OpenedRegistration, now: datetime) -> str | None:
    """Take the create lease; None when it is held, or the registration created. Commits."""
    lease = LEASES.take(registration.row_id, now, LEASE)
    db.session.commit()
    return lease.token if lease is not None else None


def record_post(registration: OpenedRegistration, token: str, now: datetime) -> bool:
    """Record that a POST is about to be sent; False when the lease is lost. Commits.

    Unlike other writes under a lease it fails once the lease has expired, taken or not: another
    process may take it and POST.
    """
    statement = update(REGISTRATION).where(
        REGISTRATION.c.id == registration.row_id,
        REGISTRATION.c.create_lease_token == token,
        REGISTRATION.c.create_lease_until > now,
    )
    recorded = affected(connection().execute(statement.values(posted_at=now)))
    db.session.commit()
    return recorded == 1


def release_lease(registration: OpenedRegistration, token: str) -> None:
    """Release the lease after a failure that certainly created nothing. Commits."""
    unposted = {} if registration.posted else {"posted_at": None}
    LEASES.release(registration.row_id, token, unposted)
    db.session.commit()


def record_created(
    row_id: int, now: datetime, *, recovered: bool, account_id: int | None = None
) -> bool:
    """Record, in the caller's transaction, that SCORM Cloud has a registration; True if new.

    `recovered`: it existed before we ever asked, because our database was lost. The LMS may then
    have a result and SCORM Cloud unread progress, so a read is marked as due and the LMS is asked
    before sending. Raises LaunchRejected "resume_invalid" when the learner was erased.
    """
    values: dict[str, object] = {
        "created_at": now,
        "create_lease_token": None,
        "create_lease_until": None,
        "recovered": recovered,
    }
    if account_id is not None:
        values["scorm_account_id"] = account_id
    # A due read changes the Grade, which is locked first: the same order as in a worker.
    grade_id = lock_grade_of(row_id) if recovered else 0
    if grade_id is None:
        raise _gone()
    statement = update(REGISTRATION).where(
        REGISTRATION.c.id == row_id, REGISTRATION.c.created_at.is_(None)
    )
    first = affected(connection().execute(statement.values(values))) == 1
    if not first and not _is_there(row_id):
        raise _gone()
    if first and recovered:
        connection().execute(update(GRADE).where(GRADE.c.id == grade_id).values(result_known=False))
        mark_due(grade_id, "read", now)
    return first
