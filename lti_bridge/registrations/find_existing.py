"""Find registrations that SCORM Cloud has and our rows lack, in all attempts and accounts."""

import logging
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from ..core.db import db, reading
from ..core.errors import Refused
from ..platforms.accounts import Account, list_accounts
from ..services import Services
from .create_lease import CallTime, OpenedRegistration, record_created
from .grade_updates import trail, wake
from .models import OF_SAME_GRADE, Grade, Launch, Registration
from .open_registration import make_attempt, move_launch

# Guards against endless answers: a learner never has more attempts in one link.
MOST_ATTEMPTS = 100
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FoundRegistration:
    """One attempt that SCORM Cloud has, and its account."""

    attempt: int
    account: Account


def find_registrations(
    services: Services, registration: OpenedRegistration, calls: CallTime
) -> list[FoundRegistration]:
    """Return, by HEAD requests, which attempts SCORM Cloud has, oldest first.

    Looks for only this attempt if our row says that we POSTed it. Otherwise (first launch, or a
    lost database) looks for later attempts too, in all accounts, the registration's own first.
    Stores nothing, so that a failure half way can be repeated. Raises Unavailable, or Refused by
    the registration's own account.
    """
    account = _account_with(services, registration, registration.attempt, calls)
    if account is None:
        return []
    found = [FoundRegistration(registration.attempt, account)]
    while not registration.posted and len(found) < MOST_ATTEMPTS:
        attempt = found[-1].attempt + 1
        # Nothing will be POSTed now, so the lease no longer limits the time.
        account = _account_with(services, registration, attempt, CallTime(calls.each))
        if account is None:
            break
        found.append(FoundRegistration(attempt, account))
    return found


def _account_with(
    services: Services, registration: OpenedRegistration, attempt: int, calls: CallTime
) -> Account | None:
    name = registration.id_of(attempt)
    own = services.scorm_cloud(registration.account)
    if own.registration_exists(name, deadline_seconds=calls.left()):
        return registration.account
    if registration.posted or registration.alone:
        return None
    with reading():
        others = [account for account in list_accounts() if account.id != registration.account.id]
    for account in others:
        try:
            client = services.scorm_cloud(account)
            if client.registration_exists(name, deadline_seconds=calls.left()):
                return account
        except Refused as error:
            # An account with invalid credentials must not block learners of the others.
            logger.warning("the SCORM Cloud account %s was not asked: %s", account.name, error)
    return None


def record_found(
    services: Services,
    launch_id: int,
    registration: OpenedRegistration,
    found: list[FoundRegistration],
) -> None:
    """Store what was found, in one transaction; the launch opens the newest attempt. Commits.

    Then wakes a worker to read the progress of recovered attempts.
    """
    now = services.now()
    if registration.posted:
        if record_created(registration.row_id, now, recovered=False):
            trail(
                registration.row_id,
                "registration",
                "SCORM Cloud has the registration after all.",
                now,
            )
        db.session.commit()
        return
    first = db.session.get_one(Registration, registration.row_id)
    newest = _record_attempts(first, found, now)
    opened = select(Launch.registration_id).where(Launch.id == launch_id)
    if newest != db.session.scalar(opened):
        move_launch(launch_id, newest, now)
    grade = select(Grade.id).join(Registration, OF_SAME_GRADE)
    grade_id = db.session.scalars(grade.where(Registration.id == first.id)).one()
    db.session.commit()
    wake(services, grade_id)


def _record_attempts(first: Registration, found: list[FoundRegistration], now: datetime) -> int:
    """Store recovered attempts; returns the row id of the newest."""
    newest = first.id
    for entry in found:
        newest = make_attempt(first, entry.attempt, entry.account.id, now)
        if record_created(newest, now, recovered=True, account_id=entry.account.id):
            text = "SCORM Cloud had the registration before; its progress is read again."
            trail(newest, "registration", text, now)
    return newest
