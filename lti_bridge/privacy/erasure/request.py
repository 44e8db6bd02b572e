"""Requests for an erasure, stored and recorded in the audit log before it starts."""

from datetime import datetime

from sqlalchemy import select, update

from ...audit.actor import Actor
from ...audit.log import OPERATOR, record
from ...core.db import db, insert_if_new
from ...core.errors import ConfigurationError
from ...services import Services
from ..learners import get_learner
from ..models import Erasure, ErasureState


def ask_erasure(
    services: Services, learner_id: int, *, asked_by: Actor | str, ours_anyway: bool
) -> int:
    """Store the request to erase a learner and return the erasure's id; erases nothing yet.

    An erasure that stopped is opened again. Commits.
    """
    now, learner = services.now(), get_learner(learner_id)
    who = asked_by if isinstance(asked_by, str) else f"{asked_by.role} {asked_by.name}"
    values = {"ours_anyway": ours_anyway, "state": ErasureState.OPEN, "asked_by": who[:300]}
    insert_if_new(
        db.session,
        Erasure,
        learner_id=learner_id,
        platform_id=learner.platform_id,
        scorm_learner_id=learner.scorm_learner_id,
        asked_at=now,
        tries=0,
        removed={},
        remains={},
        **values,
    )
    mine = update(Erasure).where(Erasure.learner_id == learner_id)
    db.session.execute(mine.values(next_try_at=now, **values))
    erasure_id = db.session.scalars(
        select(Erasure.id).where(Erasure.learner_id == learner_id)
    ).one()
    audit(asked_by, erasure_id, "asked to erase a learner", now, learner.platform_id)
    db.session.commit()
    return erasure_id


def ask_again(services: Services, erasure_id: int, *, asked_by: Actor | str = OPERATOR) -> None:
    """Open an unfinished erasure again, after its obstacle was removed. Commits."""
    now = services.now()
    unfinished = Erasure.id == erasure_id, Erasure.state != ErasureState.DONE
    again = update(Erasure).where(*unfinished).values(state=ErasureState.OPEN, next_try_at=now)
    statement = again.returning(Erasure.platform_id)
    platform_id = db.session.scalar(statement.execution_options(synchronize_session=False))
    if platform_id is None:
        db.session.rollback()
        raise ConfigurationError(f"there is no unfinished erasure {erasure_id}")
    audit(asked_by, erasure_id, "asked to go on with it", now, platform_id)
    db.session.commit()


def audit(who: Actor | str, erasure_id: int, text: str, now: datetime, platform_id: int) -> None:
    """Record an erasure in the audit log, without the learner, in the caller's transaction."""
    record(who, "erase", f"erasure {erasure_id}", text, now=now, platform_id=platform_id)
