"""Send learners' changed or withdrawn names to SCORM Cloud."""

import logging
from typing import Any

from sqlalchemy import select, update

from ..core.db import db, reading
from ..core.errors import Refused, Unavailable
from ..platforms.models import ScormAccount
from ..scorm_cloud.request_bodies import LearnerValues
from ..services import Services
from .models import Learner, Registration

AT_ONCE = 100
logger = logging.getLogger(__name__)


def send_changed_names(services: Services) -> int:
    """Send changed names to SCORM Cloud, AT_ONCE at a time; returns the number of learners done.

    When SCORM Cloud does not answer, the next round tries again; a name that it refuses is
    dropped. Commits around each call.
    """
    with reading():
        query = select(Learner).where(Learner.name_changed_at.is_not(None))
        learners = [_values(row) for row in db.session.scalars(query.limit(AT_ONCE))]
    silent: set[int] = set()
    return sum(_tell(services, *learner, silent) for learner in learners)


def _values(row: Learner) -> tuple[int, Any, LearnerValues]:
    values = LearnerValues(row.scorm_learner_id, row.first_name, row.last_name, row.email)
    return row.id, row.name_changed_at, values


def _tell(
    services: Services, learner_id: int, seen: Any, values: LearnerValues, silent: set[int]
) -> bool:
    """Send a learner's name to all accounts that have the learner, except `silent` ones."""
    mine = Registration.learner_id == learner_id, Registration.created_at.is_not(None)
    used = select(Registration.scorm_account_id).where(*mine)
    accounts = list(db.session.scalars(select(ScormAccount).where(ScormAccount.id.in_(used))))
    db.session.commit()
    for account in accounts:
        if account.id in silent:
            continue
        try:
            services.scorm_cloud(account).update_learner(values)
        except Unavailable:
            silent.add(account.id)
        except Refused as error:
            logger.warning("SCORM Cloud did not take a learner's new name: %s", error)
    if any(account.id in silent for account in accounts):
        return False
    # A change made meanwhile stays for the next round.
    told = update(Learner).where(Learner.id == learner_id, Learner.name_changed_at == seen)
    db.session.execute(told.values(name_changed_at=None))
    db.session.commit()
    return True
