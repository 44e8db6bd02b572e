"""Find or create a launch's registration, at most once, and build its launch link."""

import time
from collections.abc import Callable

from ..core.db import db
from ..core.errors import LaunchRejected, NotFound, Reason, Refused, Unavailable
from ..scorm_cloud.client import PostBack, ScormCloudClient
from ..services import Services
from ..web.languages import culture_of
from .create_lease import (
    CallTime,
    OpenedRegistration,
    load_registration,
    record_created,
    record_post,
    release_lease,
    take_lease,
)
from .find_existing import find_registrations, record_found
from .grade_updates import trail
from .launch_rows import LaunchBegun
from .return_urls import exit_url, postback_address

WAIT_FOR_OTHER_SECONDS = 5.0
LOOK_AGAIN_SECONDS = 0.2


def open_registration(
    services: Services,
    launch_id: int,
    begun: LaunchBegun | None = None,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> OpenedRegistration:
    """Return a launch's registration, which SCORM Cloud then has.

    An existing id is never POSTed: the holder of the create lease sends HEAD, and POST after a
    404; other launches wait and read the row. `begun` is the fresh result of begin_launch. Raises
    LaunchRejected (course_missing, create_refused, scorm_cloud_refused, seat_busy,
    resume_invalid) or Unavailable.
    """
    if begun is not None and begun.lease is not None:
        return _create_as_holder(services, launch_id, begun.registration, begun.lease)
    registration = begun.registration if begun is not None else load_registration(launch_id)
    waited = 0.0
    while not registration.created:
        token = (
            take_lease(registration, services.now())
            if registration.is_free(services.now())
            else None
        )
        if token is not None:
            return _create_as_holder(services, launch_id, registration, token)
        if waited >= WAIT_FOR_OTHER_SECONDS or registration.owner_is_gone(services.now()):
            return _look_only(services, launch_id)
        sleep(LOOK_AGAIN_SECONDS)
        waited += LOOK_AGAIN_SECONDS
        registration = load_registration(launch_id)
    return registration


def _create_as_holder(
    services: Services, launch_id: int, registration: OpenedRegistration, token: str
) -> OpenedRegistration:
    """HEAD, then POST after a 404. Releases the lease if certainly nothing was created."""
    calls = CallTime(services.settings.scorm_cloud.launch_deadline_seconds)
    try:
        found = find_registrations(services, registration, calls)
        if found:
            record_found(services, launch_id, registration, found)
            return load_registration(launch_id)  # it may belong to a later attempt
        _post(services, registration, token, calls)
    except Refused as error:
        release_lease(registration, token)
        raise _rejection(error) from error
    except Unavailable as error:
        if not isinstance(error, _UnknownOutcome):
            release_lease(registration, token)
        raise
    record_created(registration.row_id, services.now(), recovered=False)
    trail(registration.row_id, "registration", "SCORM Cloud made the registration.", services.now())
    db.session.commit()
    return registration


class _UnknownOutcome(Unavailable):
    """The POST may have succeeded: the lease stays, and launches only look until it expires."""


def _post(
    services: Services, registration: OpenedRegistration, token: str, calls: CallTime
) -> None:
    """POST once; returns when SCORM Cloud has the registration, from whichever request."""
    cloud = services.scorm_cloud(registration.account)
    postback = _postback(services, registration)
    calls.left()
    if not record_post(registration, token, services.now()):
        raise Unavailable("the registration was not created yet")
    try:
        cloud.create_registration(
            registration.registration_id,
            registration.course_id,
            registration.learner,
            postback,
            deadline_seconds=calls.left(),
        )
    except NotFound as error:
        raise Refused("the course is missing", code=Reason.COURSE_MISSING) from error
    except Refused as error:
        _read_back(cloud, registration, calls, error)
    except Unavailable as error:
        if error.effect_unknown and not _is_there(cloud, registration, calls):
            raise _UnknownOutcome(str(error), retry_after=error.retry_after) from error
        if not error.effect_unknown:
            raise


def _read_back(
    cloud: ScormCloudClient, registration: OpenedRegistration, calls: CallTime, error: Refused
) -> None:
    """Check after a refused POST whether the registration exists, or what is missing."""
    if error.code == "credentials":
        raise error
    try:
        if cloud.registration_exists(registration.registration_id, deadline_seconds=calls.left()):
            return
        if not cloud.course_exists(registration.course_id, deadline_seconds=calls.left()):
            raise Refused("the course is missing", code=Reason.COURSE_MISSING) from error
    except Unavailable as unknown:
        raise _UnknownOutcome(str(unknown)) from unknown
    raise Refused("the registration was refused", code=Reason.CREATE_REFUSED) from error


def _is_there(cloud: ScormCloudClient, registration: OpenedRegistration, calls: CallTime) -> bool:
    """Check once after a POST without an answer; False proves nothing."""
    try:
        return cloud.registration_exists(
            registration.registration_id, deadline_seconds=calls.left()
        )
    except (Unavailable, Refused):
        return False


def _look_only(services: Services, launch_id: int) -> OpenedRegistration:
    """Look for a registration, without POST, while another process holds the lease."""
    registration = load_registration(launch_id)
    calls = CallTime(services.settings.scorm_cloud.launch_deadline_seconds)
    try:
        found = find_registrations(services, registration, calls)
    except Refused as error:
        raise _rejection(error) from error
    if not found:
        raise LaunchRejected(Reason.SEAT_BUSY)
    # The holder may have created it between our read and our HEAD. It sets posted_at before its
    # POST, so a second read tells a new registration from a recovered one.
    registration = load_registration(launch_id)
    if registration.created:
        return registration
    record_found(services, launch_id, registration, found)
    return load_registration(launch_id)


def _rejection(error: Refused) -> LaunchRejected:
    known = (Reason.COURSE_MISSING, Reason.CREATE_REFUSED)
    reason = Reason(error.code) if error.code in known else Reason.SCORM_CLOUD_REFUSED
    return LaunchRejected(reason, error.code)


def _postback(services: Services, registration: OpenedRegistration) -> PostBack | None:
    if services.settings.scorm_cloud.postbacks == "off":
        return None
    address = postback_address(services, registration.registration_id)
    return PostBack(address.url, address.user_name, address.password)


def build_launch_link(services: Services, launch_id: int, registration: OpenedRegistration) -> str:
    """Return the player's URL for one launch; `registration` comes from open_registration.

    Raises LaunchRejected "registration_gone" when SCORM Cloud no longer has a registration that
    our row records as created: creating it again could hide a learner's data.
    """
    cloud = services.settings.scorm_cloud
    try:
        return services.scorm_cloud(registration.account).build_launch_link(
            registration.registration_id,
            exit_url(services, launch_id),
            expiry_seconds=cloud.launch_link_expiry_seconds,
            content_expiry_seconds=cloud.content_expiry_seconds,
            culture=culture_of(registration.locale),
            deadline_seconds=cloud.launch_deadline_seconds,
        )
    except NotFound as error:
        raise LaunchRejected(Reason.REGISTRATION_GONE) from error
    except Refused as error:
        raise LaunchRejected(Reason.SCORM_CLOUD_REFUSED, error.code) from error
