"""The rows of a learner's launch, opened or brought up to date in one transaction."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, exists, insert, select, update

from ..core.db import db, insert_row
from ..core.errors import LaunchRejected
from ..lti.claims import LaunchClaims
from ..platforms.accounts import account_for
from ..scorm_cloud.request_bodies import LearnerValues
from ..services import Services
from .create_lease import LEASE, OpenedRegistration, opened_registration, registration_values
from .grade_updates import trail
from .identity import choose_attempt, choose_course, scorm_learner_id
from .launch_snapshot import (
    GRADE,
    LAUNCH,
    LEARNER,
    LINK,
    REGISTRATION,
    LaunchSnapshot,
    RegistrationInAccount,
    connection,
)
from .launch_snapshot import get_snapshot as read_again

FIRST_RECHECK = timedelta(hours=1)
OPENED = "The learner opened the activity."


@dataclass(frozen=True)
class Arrival:
    """How a verified launch came: what its Launch row keeps besides the claims."""

    cookie_rung: str
    correlation_id: str


@dataclass(frozen=True)
class LaunchBegun:
    """A launch with all its rows; `lease` is its seat's create lease, where it was taken."""

    launch_id: int
    seat: OpenedRegistration
    lease: str | None


@dataclass(frozen=True)
class _LaunchRequest:
    """What a launch wants: this course, as this user, at this moment, and maybe the lease."""

    claims: LaunchClaims
    course_id: str
    now: datetime
    lease: str | None


_RENAME = (
    update(LEARNER)
    .where(LEARNER.c.id == bindparam("row_id"))
    .values({name: bindparam(f"new_{name}") for name in ("first_name", "last_name", "email")})
)
_KEEP = (
    select(LEARNER.c.id)
    .where(LEARNER.c.id == bindparam("row_id"))
    .with_for_update(read=True, key_share=True)
)
_REMEMBER = (
    update(LINK)
    .where(LINK.c.id == bindparam("row_id"))
    .values(remembered_course=bindparam("course"))
)
# The row is locked by being written, and what it holds by then comes back: progress stored by a
# worker right now must be seen whole, with the exit that it settles, or this launch would take
# that result for its own.
_RENEW_SEAT = (
    update(REGISTRATION)
    .where(REGISTRATION.c.id == bindparam("row_id"))
    .values(launched_at=bindparam("at"), recheck_at=bindparam("look_at"))
    .returning(*REGISTRATION.columns)
)
_before = LAUNCH.alias("before")
_unsettled = select(_before.c.id).where(
    _before.c.registration_id == bindparam("seat_id"),
    _before.c.exited_at.is_not(None),
    _before.c.settled_at.is_(None),
)
_ADD_LAUNCH = insert(LAUNCH).values(overlaps=exists(_unsettled)).returning(LAUNCH.c.id)


def begin_launch(
    services: Services,
    claims: LaunchClaims,
    standing: LaunchSnapshot,
    arrival: Arrival,
    *,
    opens_now: bool = False,
) -> LaunchBegun:
    """Open every row of a learner's launch, where its link is known.

    With `opens_now` a new seat comes with its create lease: its launcher asks SCORM Cloud next.
    Runs in the caller's transaction, the one that used up the nonce, and commits it. Raises
    LaunchRejected "no_course" when nobody has chosen a course for the resource link.
    """
    lease = secrets.token_hex(16) if opens_now else None
    wish = _LaunchRequest(claims, _choose_course(standing), services.now(), lease)
    standing, learner = _open_learner(standing, wish)
    _open_grade(standing, learner.id)  # before the seat: in the order of a worker's locks
    place, taken = _open_seat(standing, learner.id, wish)
    launch_id = _add_launch(place.seat, wish, arrival)
    db.session.commit()
    names = _names(standing, claims)
    values = LearnerValues(learner.scorm_learner_id, *names)
    seat = opened_registration(place, standing, claims, values)
    return LaunchBegun(launch_id, seat, taken)


def _choose_course(standing: LaunchSnapshot) -> str:
    """Return the link's course; what it is without an override is remembered."""
    link = standing.link
    course_id = choose_course(link.override_course, link.custom_course, link.remembered_course)
    if course_id is None:
        db.session.commit()
        raise LaunchRejected("no_course")
    # An override stands in its own column: taking it back brings back what was there before.
    kept = choose_course(None, link.custom_course, link.remembered_course) or course_id
    if kept != link.remembered_course:
        connection().execute(_REMEMBER, {"row_id": link.id, "course": kept})
    return course_id


def _names(
    standing: LaunchSnapshot, claims: LaunchClaims
) -> tuple[str | None, str | None, str | None]:
    if standing.platform.privacy != "named":
        return None, None, None
    return claims.first_name, claims.last_name, claims.email


def _open_learner(standing: LaunchSnapshot, wish: _LaunchRequest) -> tuple[LaunchSnapshot, Any]:
    names = _names(standing, wish.claims)
    # With a seat, its own row tells below whether an erasure has just taken everything.
    if standing.learner is not None and not standing.seats and not _stays(standing.learner.id):
        standing = read_again(standing.platform.id, wish.claims)
    if standing.learner is None:
        made = _make_learner(standing, wish, names)
        if made is not None:
            return standing, made
        standing = read_again(standing.platform.id, wish.claims)  # another node was faster
    learner = standing.learner
    if (learner.first_name, learner.last_name, learner.email) != names:
        new = dict(zip(("new_first_name", "new_last_name", "new_email"), names, strict=True))
        connection().execute(_RENAME, {"row_id": learner.id, **new})
    return standing, learner


def _stays(learner_id: int) -> bool:
    """Wait for an erasure that is just removing the learner, and keep another from beginning."""
    if connection().dialect.name == "sqlite":
        return True  # who writes is alone
    return connection().execute(_KEEP, {"row_id": learner_id}).first() is not None


def _make_learner(
    standing: LaunchSnapshot, wish: _LaunchRequest, names: tuple[str | None, ...]
) -> Any:
    platform, sub = standing.platform, wish.claims.sub
    return insert_row(
        connection(),
        LEARNER,
        platform_id=platform.id,
        platform_identity=platform.identity,
        sub=sub,
        scorm_learner_id=scorm_learner_id(platform.identity, sub),
        first_name=names[0],
        last_name=names[1],
        email=names[2],
        created_at=wish.now,
    )


def _open_grade(standing: LaunchSnapshot, learner_id: int) -> None:
    # An insert would wait for a worker that has the row in hand, even if only to find it there.
    if standing.has_grade:
        return
    insert_row(
        connection(),
        GRADE,
        resource_link_id=standing.link.id,
        learner_id=learner_id,
        platform_id=standing.platform.id,
        generation=0,
        failures=0,
        line_item_looks=0,
        waits_for_line_item=False,
        result_known=True,
    )


def _open_seat(
    standing: LaunchSnapshot, learner_id: int, wish: _LaunchRequest
) -> tuple[RegistrationInAccount, str | None]:
    """Return the seat that the launch resumes, or a new one; with its lease, if that was taken."""
    place = _newest(standing, wish.course_id)
    if place is None:
        place = _make_seat(standing, learner_id, wish)
        if place is not None:
            return place, wish.lease
        # Another node was faster.
        place = _newest(read_again(standing.platform.id, wish.claims), wish.course_id)
        assert place is not None
    moments = {"at": wish.now, "look_at": wish.now + FIRST_RECHECK}
    renewed = connection().execute(_RENEW_SEAT, {"row_id": place.seat.id, **moments}).first()
    if renewed is None:
        db.session.rollback()
        raise LaunchRejected("resume_invalid", "the learner was erased in this moment")
    return RegistrationInAccount(renewed, place.account), None


def _newest(standing: LaunchSnapshot, course_id: str) -> RegistrationInAccount | None:
    places = {
        place.seat.attempt: place
        for place in standing.places
        if place.seat is not None and place.seat.course_id == course_id
    }
    return places.get(choose_attempt(list(places)))


def _make_seat(
    standing: LaunchSnapshot, learner_id: int, wish: _LaunchRequest
) -> RegistrationInAccount | None:
    """Insert the row of the first attempt; None when it is there by now."""
    first = standing.places[0]
    account = first.account if first.seat is None else None
    account = account or account_for(standing.platform)
    values = registration_values(
        platform_identity=standing.platform.identity,
        link=standing.link,
        learner_id=learner_id,
        sub=wish.claims.sub,
        course_id=wish.course_id,
        attempt=choose_attempt([]),
        account_id=account.id,
        now=wish.now,
    )
    values |= {"launched_at": wish.now, "recheck_at": wish.now + FIRST_RECHECK}
    if wish.lease is not None:
        values["create_lease_token"] = wish.lease
        values["create_lease_until"] = wish.now + LEASE
    made = insert_row(connection(), REGISTRATION, **values)
    return RegistrationInAccount(made, account) if made is not None else None


def _add_launch(seat: Any, wish: _LaunchRequest, arrival: Arrival) -> int:
    """Insert the launch, with the progress that its result must differ from."""
    launch = {
        "seat_id": seat.id,
        "registration_id": seat.id,
        "launched_at": wish.now,
        "cookie_rung": arrival.cookie_rung,
        "correlation_id": arrival.correlation_id,
        "return_url": wish.claims.return_url,
        "locale": wish.claims.locale,
        "known_completion": seat.completion,
        "known_success": seat.success,
        "known_score": seat.score_scaled,
        "looks": 0,
        "history_looks": 0,
        "ended": False,
    }
    launch_id: int = connection().execute(_ADD_LAUNCH, launch).scalar_one()
    trail(seat.id, "launch", OPENED, wish.now, arrival.correlation_id)
    return launch_id
