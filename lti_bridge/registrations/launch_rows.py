"""Store the rows of a learner's launch in one transaction."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select, update

from ..core.db import db, insert_row
from ..core.errors import LaunchRejected, Reason
from ..core.leases import new_token
from ..lti.claims import LaunchClaims
from ..platforms.accounts import account_for
from ..scorm_cloud.request_bodies import LearnerValues
from ..services import Services
from .create_lease import LEASE, OpenedRegistration, opened_registration
from .grade_updates import trail
from .identity import choose_attempt, choose_course, scorm_learner_id
from .launch_snapshot import LaunchSnapshot, RegistrationInAccount, connection
from .launch_snapshot import get_snapshot as read_again
from .models import GRADE, LEARNER, LINK, Learner
from .open_registration import add_launch, launched, make_registration, renew_registration
from .platform_pause import send_probe

OPENED = "The learner opened the activity."


@dataclass(frozen=True)
class Arrival:
    """Values of a verified launch, besides its claims, for the Launch row."""

    cookie_rung: str
    correlation_id: str


@dataclass(frozen=True)
class LaunchBegun:
    """A launch with its rows; `lease` is the token of the create lease, if it was taken."""

    launch_id: int
    registration: OpenedRegistration
    lease: str | None


@dataclass(frozen=True)
class _LaunchRequest:
    """What a launch asks for: course, user and time, and the create lease if it is taken."""

    claims: LaunchClaims
    course_id: str
    now: datetime
    lease: str | None


_RENAME = (
    update(LEARNER)
    .where(LEARNER.c.id == bindparam("row_id"))
    .values(
        {
            "name_changed_at": bindparam("at"),
            **{name: bindparam(f"new_{name}") for name in ("first_name", "last_name", "email")},
        }
    )
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


def begin_launch(
    services: Services,
    claims: LaunchClaims,
    snapshot: LaunchSnapshot,
    arrival: Arrival,
    *,
    opens_now: bool = False,
) -> LaunchBegun:
    """Store all rows of a learner's launch; the link's must exist.

    With `opens_now` a new registration gets its create lease, because the launch calls SCORM Cloud
    next. Commits the caller's transaction, which consumed the nonce. Raises LaunchRejected
    "no_course" when the resource link has no course, "resume_invalid" when the learner is erased.
    """
    lease = new_token() if opens_now else None
    wish = _LaunchRequest(claims, _choose_course(snapshot), services.now(), lease)
    snapshot, learner = _open_learner(snapshot, wish)
    _open_grade(snapshot, learner.id)  # first, in the order of a worker's locks
    place, taken = _open_registration(snapshot, learner.id, wish)
    launch_id = add_launch(
        place.opened,
        wish.now,
        cookie_rung=arrival.cookie_rung,
        correlation_id=arrival.correlation_id,
        return_url=claims.return_url,
        locale=claims.locale,
    )
    trail(place.opened.id, "launch", OPENED, wish.now, arrival.correlation_id)
    db.session.commit()
    send_probe(services, snapshot.platform)
    names = _names(snapshot, claims)
    values = LearnerValues(learner.scorm_learner_id, *names)
    registration = opened_registration(place, snapshot, claims, values)
    return LaunchBegun(launch_id, registration, taken)


def _choose_course(snapshot: LaunchSnapshot) -> str:
    """Return the link's course, and store the one without the instructor's override."""
    link = snapshot.known_link
    course_id = choose_course(link.override_course, link.custom_course, link.remembered_course)
    if course_id is None:
        db.session.commit()
        raise LaunchRejected(Reason.NO_COURSE)
    # The override has its own column: removing it restores the former course.
    kept = choose_course(None, link.custom_course, link.remembered_course) or course_id
    if kept != link.remembered_course:
        connection().execute(_REMEMBER, {"row_id": link.id, "course": kept})
    return course_id


def _names(
    snapshot: LaunchSnapshot, claims: LaunchClaims
) -> tuple[str | None, str | None, str | None]:
    if snapshot.platform.privacy != "named":
        return None, None, None
    return claims.first_name, claims.last_name, claims.email


def _open_learner(snapshot: LaunchSnapshot, wish: _LaunchRequest) -> tuple[LaunchSnapshot, Learner]:
    names = _names(snapshot, wish.claims)
    # With a registration, the update of its row shows below whether the learner was erased.
    if (
        snapshot.learner is not None
        and not snapshot.registrations
        and not _stays(snapshot.learner.id)
    ):
        snapshot = read_again(snapshot.platform.id, wish.claims)
    if snapshot.learner is None:
        made = _make_learner(snapshot, wish, names)
        if made is not None:
            return snapshot, made
        snapshot = read_again(snapshot.platform.id, wish.claims)  # another node created it first
    learner = snapshot.learner
    assert learner is not None
    if (learner.first_name, learner.last_name, learner.email) != names:
        new = dict(zip(("new_first_name", "new_last_name", "new_email"), names, strict=True))
        connection().execute(_RENAME, {"row_id": learner.id, "at": wish.now, **new})
    return snapshot, learner


def _stays(learner_id: int) -> bool:
    """Tell whether the learner still exists; waits for an erasure, and locks out new ones."""
    if connection().dialect.name == "sqlite":
        return True  # SQLite has one writer at a time
    return connection().execute(_KEEP, {"row_id": learner_id}).first() is not None


def _make_learner(
    snapshot: LaunchSnapshot, wish: _LaunchRequest, names: tuple[str | None, ...]
) -> Learner | None:
    platform, sub = snapshot.platform, wish.claims.sub
    made: Learner | None = insert_row(
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
    return made


def _open_grade(snapshot: LaunchSnapshot, learner_id: int) -> None:
    # Checked first, because an insert would wait for a worker's lock on an existing row.
    if snapshot.has_grade:
        return
    insert_row(
        connection(),
        GRADE,
        resource_link_id=snapshot.known_link.id,
        learner_id=learner_id,
        platform_id=snapshot.platform.id,
        generation=0,
        failures=0,
        line_item_looks=0,
        waits_for_line_item=False,
        result_known=True,
    )


def _open_registration(
    snapshot: LaunchSnapshot, learner_id: int, wish: _LaunchRequest
) -> tuple[RegistrationInAccount, str | None]:
    """Return the registration that the launch resumes, or a new one and its lease token."""
    place = _newest(snapshot, wish.course_id)
    if place is None:
        place = _make_first(snapshot, learner_id, wish)
        if place is not None:
            return place, wish.lease
        # Another node created it first.
        place = _newest(read_again(snapshot.platform.id, wish.claims), wish.course_id)
        assert place is not None
    renewed = renew_registration(place.opened.id, wish.now)
    return RegistrationInAccount(renewed, place.account), None


def _newest(snapshot: LaunchSnapshot, course_id: str) -> RegistrationInAccount | None:
    places = {
        place.registration.attempt: place
        for place in snapshot.places
        if place.registration is not None and place.registration.course_id == course_id
    }
    return places.get(choose_attempt(list(places)))


def _make_first(
    snapshot: LaunchSnapshot, learner_id: int, wish: _LaunchRequest
) -> RegistrationInAccount | None:
    """Insert the first attempt's row; None when it exists by now."""
    first = snapshot.places[0]
    account = first.account if first.registration is None else None
    account = account or account_for(snapshot.platform)
    leased = {}
    if wish.lease is not None:
        leased = {"create_lease_token": wish.lease, "create_lease_until": wish.now + LEASE}
    made = make_registration(
        platform_identity=snapshot.platform.identity,
        link=snapshot.known_link,
        learner_id=learner_id,
        sub=wish.claims.sub,
        course_id=wish.course_id,
        attempt=choose_attempt([]),
        account_id=account.id,
        now=wish.now,
        **launched(wish.now),
        **leased,
    )
    return RegistrationInAccount(made, account) if made is not None else None
