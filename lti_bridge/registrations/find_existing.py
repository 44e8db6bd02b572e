"""What SCORM Cloud has of a registration unknown to our rows, in every attempt and account."""

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

# More attempts than this in one registration are not plausible.
MOST_ATTEMPTS = 100
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FoundRegistration:
    """One attempt that SCORM Cloud has, and the account it lives in."""

    attempt: int
    account: Account


def find_registrations(
    services: Services, registration: OpenedRegistration, calls: CallTime
) -> list[FoundRegistration]:
    """Ask by HEAD what SCORM Cloud has of a registration, oldest attempt first.

    Of a registration that we once asked SCORM Cloud to create, only that one. Of one that our rows
    never knew (first launch, or a lost database) every later attempt too, in every account, the
    platform's own first. Nothing is recorded before all is known, so that a failure half way
    is simply repeated. Raises Unavailable, or Refused by the registration's own account.
    """
    account = _account_with(services, registration, registration.attempt, calls)
    if account is None:
        return []
    found = [FoundRegistration(registration.attempt, account)]
    while not registration.posted and len(found) < MOST_ATTEMPTS:
        attempt = found[-1].attempt + 1
        # Nothing is created any more, so looking on may take its own time.
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
            # An account that refuses us must not stop the learners of all others.
            logger.warning("the SCORM Cloud account %s was not asked: %s", account.name, error)
    return None


def record_found(
    services: Services,
    launch_id: int,
    registration: OpenedRegistration,
    found: list[FoundRegistration],
) -> None:
    """Keep what was found, in one transaction; the launch goes to the newest attempt. Commits.

    Then a worker is woken: what nobody read may hold a result.
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
    """Return the id of the newest attempt's row."""
    newest = first.id
    for entry in found:
        newest = make_attempt(first, entry.attempt, entry.account.id, now)
        if record_created(newest, now, recovered=True, account_id=entry.account.id):
            text = "SCORM Cloud had the registration before; its progress is read again."
            trail(newest, "registration", text, now)
    return newest
