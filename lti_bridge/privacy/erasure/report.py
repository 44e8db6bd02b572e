"""The state of an erasure, for pages and commands."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from ...core.db import db, reading
from ...core.errors import ConfigurationError
from ...platforms.models import ScormAccount
from ..models import Erasure, ErasureState

LMS_KEEPS = (
    "Grades in the gradebook of the LMS belong to the LMS and stay there; "
    "its own users are erased there."
)
IN_SCORM_CLOUD = "registrations in SCORM Cloud"


@dataclass(frozen=True)
class ErasureReport:
    """One erasure.

    `reason` is a sentence or "". `remains` lists the registrations still in SCORM Cloud by account
    name; `removed` counts deleted rows by kind.
    """

    erasure_id: int
    learner_id: int | None
    state: ErasureState
    reason: str
    removed: dict[str, int]
    remains: dict[str, tuple[str, ...]]
    asked_at: datetime
    asked_by: str
    next_try_at: datetime | None

    @property
    def is_done(self) -> bool:
        """True when nothing is left to do."""
        return self.state == ErasureState.DONE


def get_report(erasure_id: int) -> ErasureReport:
    """Return an erasure's report; raises ConfigurationError when there is none. Commits."""
    with reading():
        query = select(Erasure).where(Erasure.id == erasure_id)
        row = db.session.scalars(query.execution_options(populate_existing=True)).one_or_none()
        if row is None:
            raise ConfigurationError(
                f"there is no erasure {erasure_id}: `lti-bridge learner erasures`"
            )
        return _report(row)


def list_unfinished() -> list[ErasureReport]:
    """Return every erasure that is not done, oldest first. Reads in the caller's transaction."""
    query = select(Erasure).where(Erasure.state != ErasureState.DONE).order_by(Erasure.id)
    return [_report(row) for row in db.session.scalars(query)]


def _report(row: Erasure) -> ErasureReport:
    accounts = db.session.execute(select(ScormAccount.id, ScormAccount.name)).all()
    names = {account_id: name for account_id, name in accounts}
    return ErasureReport(
        erasure_id=row.id,
        learner_id=row.learner_id,
        state=row.state,
        reason=row.reason or "",
        removed=dict(row.removed),
        remains={names.get(int(key), key): tuple(ids) for key, ids in row.remains.items()},
        asked_at=row.asked_at,
        asked_by=row.asked_by,
        next_try_at=row.next_try_at,
    )
