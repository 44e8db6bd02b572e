"""Store an attempt's Registration row and the launches that open it."""

from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Exists, bindparam, exists, insert, select, update

from ..core.db import db, insert_row
from ..core.errors import LaunchRejected, Reason
from ..scorm_cloud.progress import Completion, Success
from .identity import registration_id
from .kept_outcomes import keep_at_launch
from .models import LAUNCH, REGISTRATION, Launch, Registration, ResourceLink

FIRST_RECHECK = timedelta(hours=1)
_NEW = {
    "recovered": False,
    "completion": Completion.UNKNOWN,
    "success": Success.UNKNOWN,
    "seconds_tracked": 0.0,
    "submission_accepted": False,
}


def _unsettled(registration_row_id: Any) -> Exists:
    """Return the condition that an earlier exit of the registration has no result yet."""
    before = LAUNCH.alias("before")
    return exists(
        select(before.c.id).where(
            before.c.registration_id == registration_row_id,
            before.c.exited_at.is_not(None),
            before.c.settled_at.is_(None),
        )
    )


# Writing locks the row and returns its current values. Progress that a worker stores at the same
# time must be seen together with the exit that it settles; otherwise this launch would take that
# result for its own.
_RENEW = (
    update(REGISTRATION)
    .where(REGISTRATION.c.id == bindparam("row_id"))
    .values(keep_at_launch())
    .returning(*REGISTRATION.columns)
)
_ADD_LAUNCH = (
    insert(LAUNCH).values(overlaps=_unsettled(bindparam("opened_id"))).returning(LAUNCH.c.id)
)


def make_registration(
    *,
    platform_identity: str,
    link: ResourceLink,
    learner_id: int,
    sub: str,
    course_id: str,
    attempt: int,
    account_id: int,
    now: datetime,
    **more: Any,
) -> Registration | None:
    """Insert an attempt's row and return it as a tuple; None when it exists by now.

    `more` are further columns. Uses the caller's transaction, like all functions here.
    """
    made: Registration | None = insert_row(
        db.session.connection(),
        REGISTRATION,
        registration_id=registration_id(
            platform_identity,
            link.deployment_identity,
            link.resource_link_id,
            sub,
            course_id,
            attempt,
        ),
        resource_link_id=link.id,
        learner_id=learner_id,
        course_id=course_id,
        attempt=attempt,
        scorm_account_id=account_id,
        opened_at=now,
        **_NEW,
        **more,
    )
    return made


def make_attempt(first: Registration, attempt: int, account_id: int, now: datetime) -> int:
    """Return the row id of another attempt, which is created if needed."""
    learner = first.learner
    made = make_registration(
        platform_identity=learner.platform.identity,
        link=first.resource_link,
        learner_id=learner.id,
        sub=learner.sub,
        course_id=first.course_id,
        attempt=attempt,
        account_id=account_id,
        now=now,
    )
    row_id = made.id if made is not None else find_attempt(first, attempt)
    assert row_id is not None
    return row_id


def find_attempt(first: Registration, attempt: int) -> int | None:
    """Return the row id of another attempt by the same learner, link and course, or None."""
    query = select(Registration.id).where(
        Registration.resource_link_id == first.resource_link_id,
        Registration.learner_id == first.learner_id,
        Registration.course_id == first.course_id,
        Registration.attempt == attempt,
    )
    return db.session.scalars(query).one_or_none()


def renew_registration(row_id: int, now: datetime) -> Registration:
    """Begin a session: keep the former outcome. Returns the row as it is then.

    Raises LaunchRejected "resume_invalid" after a rollback when an erasure has just removed it.
    """
    values = {"row_id": row_id, **launched(now)}
    row: Any = db.session.connection().execute(_RENEW, values).first()
    if row is None:
        db.session.rollback()
        raise LaunchRejected(Reason.RESUME_INVALID, "the learner was erased in this moment")
    return cast(Registration, row)


def launched(now: datetime) -> dict[str, Any]:
    """Return the columns that a launch sets on its registration."""
    return {"launched_at": now, "recheck_at": now + FIRST_RECHECK}


def add_launch(registration: Registration, now: datetime, **details: str | None) -> int:
    """Insert a launch, with the progress that its result must differ from; returns its id.

    `details`: cookie_rung, correlation_id, return_url and locale.
    """
    values = {
        "opened_id": registration.id,
        "launched_at": now,
        "looks": 0,
        "history_looks": 0,
        "ended": False,
        **_known(registration),
        **details,
    }
    launch_id: int = db.session.connection().execute(_ADD_LAUNCH, values).scalar_one()
    return launch_id


def move_launch(launch_id: int, row_id: int, now: datetime) -> None:
    """Assign a launch to another registration."""
    registration = renew_registration(row_id, now)
    mine = update(Launch).where(Launch.id == launch_id)
    db.session.execute(mine.values(overlaps=_unsettled(row_id), **_known(registration)))


def _known(registration: Registration) -> dict[str, Any]:
    return {
        "registration_id": registration.id,
        "known_completion": registration.completion,
        "known_success": registration.success,
        "known_score": registration.score_scaled,
    }
