"""Rows beside a seat that is there: a further attempt, and a launch that goes to it."""

from datetime import datetime

from sqlalchemy import func, select

from ..db import db, insert_if_new
from ..platforms.accounts import account_for
from ..platforms.models import Platform
from .models import Launch, Learner, Registration, ResourceLink
from .opening import FIRST_RECHECK
from .seat import seat_values


def add_registration_row(
    link: ResourceLink,
    learner: Learner,
    platform: Platform,
    course_id: str,
    attempt: int,
    now: datetime,
    account_id: int | None = None,
) -> bool:
    """Insert the row of one attempt unless it is there; tells whether it was inserted."""
    values = seat_values(
        platform_identity=platform.identity,
        link=link,
        learner_id=learner.id,
        sub=learner.sub,
        course_id=course_id,
        attempt=attempt,
        account_id=account_id or account_for(platform).id,
        now=now,
    )
    return insert_if_new(db.session, Registration, **values)


def mark_launched(registration: Registration, launch: Launch) -> None:
    """Let a launch open a registration: remember what its result must differ from."""
    unsettled = select(func.count()).where(
        Launch.registration_id == registration.id,
        Launch.exited_at.is_not(None),
        Launch.settled_at.is_(None),
    )
    launch.overlaps = bool(db.session.scalar(unsettled))
    launch.registration = registration
    launch.known_completion = registration.completion
    launch.known_success = registration.success
    launch.known_score = registration.score_scaled
    registration.launched_at = launch.launched_at
    registration.recheck_at = launch.launched_at + FIRST_RECHECK
