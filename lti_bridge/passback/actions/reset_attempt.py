"""Reset one attempt: delete its progress in SCORM Cloud; the gradebook keeps its grade."""

from dataclasses import dataclass

from sqlalchemy import select

from ...core.db import db
from ...core.errors import NotFound, Refused, Unavailable
from ...platforms.models import ScormAccount
from ...registrations.grade_updates import lock_grade_of, store_progress, trail
from ...registrations.models import Registration
from ...scorm_cloud.progress import CourseOutcome, Progress
from ...services import Services
from ..pipeline.snapshot import load_snapshot
from ..rules.grade_snapshot import attempts_of
from ..rules.grading_policy import kept_by_reset

OFF = (
    "SCORM Cloud does not let us reset; nothing was lost. An owner or admin of the SCORM Cloud "
    "realm can allow it: Apps / API, the application, “Allow delete”."
)
GONE = "SCORM Cloud has no such registration (any more): there is nothing to reset."
# SCORM Cloud may answer this also when deleting is off; its answer is not documented.
CREDENTIALS = (
    "SCORM Cloud does not accept our app id and secret key for this; nothing was reset. When the "
    "account's self-test is green, its application may not allow it: Apps / API, “Allow delete”."
)
SILENT = (
    "SCORM Cloud did not answer, so it is not known whether the attempt was reset. "
    "Read it again, and reset it again if its progress is still there."
)


@dataclass(frozen=True)
class RegistrationToReset:
    """The values of an attempt's row that a reset needs."""

    row_id: int
    registration_id: str
    account_id: int


def begin_reset(services: Services, row_id: int, who: str) -> RegistrationToReset:
    """Record that an attempt is to be reset, and keep the outcome that its grade is based on.

    In the caller's transaction, to be committed before `finish_reset`. Raises Refused when the
    learner was erased meanwhile.
    """
    now = services.now()
    grade_id = lock_grade_of(row_id)
    if grade_id is None:
        db.session.rollback()
        raise Refused("the learner is not here any more")
    query = select(Registration).where(Registration.id == row_id).with_for_update()
    registration = db.session.scalars(query.execution_options(populate_existing=True)).one()
    snapshot = load_snapshot(services, grade_id)
    for attempt, row in zip(attempts_of(snapshot, now), snapshot.registrations, strict=True):
        if row.row_id == row_id:
            _keep(registration, kept_by_reset(attempt, snapshot.policy))
    trail(row_id, "reset", f"{who} asked to reset attempt {registration.attempt}.", now)
    return RegistrationToReset(
        registration.id, registration.registration_id, registration.scorm_account_id
    )


def _keep(registration: Registration, outcome: CourseOutcome | None) -> None:
    if outcome is not None:
        registration.kept_completion = outcome.completion
        registration.kept_success = outcome.success
        registration.kept_score = outcome.score


def finish_reset(services: Services, registration: RegistrationToReset) -> None:
    """Delete the progress in SCORM Cloud and record the outcome. Commits before and after.

    Raises Refused or Unavailable with a sentence for the user, which the history has too.
    """
    account = db.session.get_one(ScormAccount, registration.account_id)
    db.session.commit()
    problem: Refused | Unavailable
    try:
        services.scorm_cloud(account).delete_progress(registration.registration_id)
    except NotFound:
        problem = NotFound(GONE)
    except Refused as error:
        said = f" It says: “{error.explanation}”" if error.explanation else ""
        problem = Refused((CREDENTIALS if error.code == "credentials" else OFF) + said)
    except Unavailable as error:
        problem = Unavailable(SILENT, effect_unknown=error.effect_unknown)
    else:
        _note_done(services, registration)
        return
    trail(registration.row_id, "reset", str(problem), services.now())
    db.session.commit()
    raise problem


def _note_done(services: Services, registration: RegistrationToReset) -> None:
    """Store empty progress, with a time that makes earlier requested reads obsolete."""
    now = services.now()
    lock_grade_of(registration.row_id)
    store_progress(registration.row_id, Progress(), now)
    text = "SCORM Cloud reset the attempt. The gradebook keeps its grade."
    trail(registration.row_id, "reset", text, now)
    db.session.commit()
