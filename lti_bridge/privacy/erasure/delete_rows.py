"""Delete every row of one learner, in one transaction."""

from collections.abc import Collection

from sqlalchemy import delete, select

from ...core.db import affected, db
from ...registrations.models import Registration
from ...services import Services
from ..learners import get_learner, kinds_of
from .lease import Work, hold


class CameBack(Exception):
    """The learner has a new registration that still exists in SCORM Cloud."""


def delete_rows(services: Services, work: Work, cleared: Collection[str]) -> dict[str, int]:
    """Delete a learner's rows and return how many of each kind, in the caller's transaction.

    `cleared` are the registrations deleted in SCORM Cloud, or allowed to stay there. Raises
    LeaseLost, GradesBusy, or CameBack when a launch has created another; nothing is deleted then.
    """
    assert work.learner_id is not None
    hold(services, work, last=True)
    query = select(Registration.registration_id)
    names = db.session.scalars(query.where(Registration.learner_id == work.learner_id))
    if set(names) - set(cleared):
        db.session.rollback()
        raise CameBack
    learner = get_learner(work.learner_id)
    return {
        kind: affected(db.session.execute(delete(model).where(condition)))
        for kind, (model, condition) in kinds_of(learner).items()
    }
