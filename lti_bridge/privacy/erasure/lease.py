"""While a learner is erased nobody else works on them: leases on their grades and registrations."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, Update, and_, func, or_, select, update

from ...core.db import affected, db
from ...core.leases import LeaseLost
from ...registrations.grade_updates import lock_grades
from ...registrations.models import Grade, Learner, Registration
from ...services import Services
from ..models import Erasure

LEASE = timedelta(seconds=60)
CALL_MARGIN = timedelta(seconds=10)
BUSY = "A grade of this learner is just being worked on."


class GradesBusy(Exception):
    """A worker has a grade in hand, or a launch is making a registration, until `until`."""

    def __init__(self, until: datetime | None) -> None:
        super().__init__(BUSY)
        self.until = until


@dataclass(frozen=True)
class Work:
    """One erasure in our hands. `learner_id` is None when our rows are gone already."""

    erasure_id: int
    token: str
    learner_id: int | None
    scorm_learner_id: str
    platform_id: int
    ours_anyway: bool
    tries: int
    asked_by: str


def take(services: Services, erasure_id: int) -> Work | None:
    """Take an open erasure; None when it is finished, or somebody else has it. Commits."""
    now, token = services.now(), secrets.token_hex(16)
    free = or_(Erasure.lease_until.is_(None), Erasure.lease_until <= now)
    statement = update(Erasure).where(Erasure.id == erasure_id, Erasure.state == "open", free)
    statement = statement.values(
        lease_token=token, lease_until=now + LEASE, tries=Erasure.tries + 1
    )
    taken = _run(statement)
    db.session.commit()
    if not taken:
        return None
    query = select(Erasure).where(Erasure.id == erasure_id)
    row = db.session.scalars(query.execution_options(populate_existing=True)).one()
    work = Work(
        erasure_id=row.id,
        token=token,
        learner_id=row.learner_id,
        scorm_learner_id=row.scorm_learner_id or "",
        platform_id=row.platform_id,
        ours_anyway=row.ours_anyway,
        tries=row.tries,
        asked_by=row.asked_by,
    )
    db.session.commit()
    return work


def hold(services: Services, work: Work, call_seconds: float = 0.0, *, last: bool = False) -> None:
    """Keep every lease past the call that follows, in the caller's transaction.

    Locks in a worker's order: the grades, then (`last`: launches must wait as well) the learner,
    then the registrations. Raises LeaseLost or GradesBusy after a rollback.
    """
    now = services.now()
    until = now + max(LEASE, timedelta(seconds=call_seconds) + CALL_MARGIN)
    mine = Erasure.id == work.erasure_id, Erasure.lease_token == work.token
    statement = update(Erasure).where(*mine).values(lease_until=until)
    if not _run(statement):
        db.session.rollback()
        raise LeaseLost
    if work.learner_id is None:
        return
    _hold_grades(work, now, until)
    if last:
        query = select(Learner.id).where(Learner.id == work.learner_id)
        db.session.scalars(query.with_for_update()).all()
    _hold_registrations(work, now, until)


def release(work: Work) -> None:
    """Give every lease back, in the caller's transaction."""
    if work.learner_id is not None:
        grades = select(Grade.id).where(Grade.learner_id == work.learner_id)
        lock_grades(db.session.scalars(grades).all())
        theirs = update(Grade).where(
            Grade.learner_id == work.learner_id, Grade.lease_token == work.token
        )
        registrations = update(Registration).where(
            Registration.learner_id == work.learner_id,
            Registration.create_lease_token == work.token,
        )
        _run(theirs.values(lease_token=None, lease_until=None))
        _run(registrations.values(create_lease_token=None, create_lease_until=None))
    mine = update(Erasure).where(Erasure.id == work.erasure_id, Erasure.lease_token == work.token)
    _run(mine.values(lease_token=None, lease_until=None))


def _hold_grades(work: Work, now: datetime, until: datetime) -> None:
    ids = db.session.scalars(select(Grade.id).where(Grade.learner_id == work.learner_id)).all()
    lock_grades(ids)
    free = or_(
        Grade.lease_until.is_(None), Grade.lease_until <= now, Grade.lease_token == work.token
    )
    theirs = update(Grade).where(Grade.learner_id == work.learner_id, free)
    _run(theirs.values(lease_token=work.token, lease_until=until))
    others = and_(Grade.learner_id == work.learner_id, Grade.lease_token != work.token)
    _raise_if_any(select(func.count(), func.max(Grade.lease_until)).where(others))


def _hold_registrations(work: Work, now: datetime, until: datetime) -> None:
    """A launch that is just making a registration would make it after we have deleted it."""
    free = or_(
        Registration.create_lease_until.is_(None),
        Registration.create_lease_until <= now,
        Registration.create_lease_token == work.token,
    )
    theirs = Registration.learner_id == work.learner_id
    statement = update(Registration).where(theirs, free)
    _run(statement.values(create_lease_token=work.token, create_lease_until=until))
    others = and_(theirs, Registration.create_lease_token != work.token)
    _raise_if_any(select(func.count(), func.max(Registration.create_lease_until)).where(others))


def _raise_if_any(query: Select[int, datetime | None]) -> None:
    count, until = db.session.execute(query).one()
    if count:
        db.session.rollback()
        raise GradesBusy(until)


def _run(statement: Update) -> int:
    unseen = statement.execution_options(synchronize_session=False)
    return affected(db.session.execute(unseen))
