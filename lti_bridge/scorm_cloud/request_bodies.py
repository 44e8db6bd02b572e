"""Request bodies of SCORM Cloud's v2 API, as JSON."""

from dataclasses import dataclass
from typing import Any

from ..core.plain_text import one_line


@dataclass(frozen=True)
class LearnerValues:
    """What SCORM Cloud is told about the learner; only the id under pseudonymous privacy."""

    id: str
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None


@dataclass(frozen=True)
class PostBack:
    """The URL that SCORM Cloud posts changes to, and its credentials there."""

    url: str
    user_name: str
    password: str


def registration_body(
    registration_id: str, course_id: str, learner: LearnerValues, postback: PostBack | None
) -> dict[str, Any]:
    """Return a CreateRegistrationSchema; its learner has no `name`."""
    body: dict[str, Any] = {
        "courseId": course_id,
        "registrationId": registration_id,
        "learner": _learner(learner),
    }
    if postback is not None:
        body["postBack"] = postback_body(postback)
    return body


def learner_body(learner: LearnerValues) -> dict[str, Any]:
    """Return a LearnerSchema that replaces every value."""
    return {
        "id": learner.id,
        "firstName": learner.first_name or "",
        "lastName": learner.last_name or "",
        "email": learner.email or "",
    }


def launch_link_body(
    redirect_on_exit_url: str,
    *,
    expiry_seconds: int,
    content_expiry_seconds: int | None,
    culture: str | None,
) -> dict[str, Any]:
    """Return a LaunchLinkRequestSchema.

    `launchAuth` vault needs no SCORM Cloud cookie, which browsers block inside an LMS frame. The
    link is requested by the server and opened by the learner, so it is not bound to an IP address.
    """
    body: dict[str, Any] = {
        "redirectOnExitUrl": redirect_on_exit_url,
        "expiry": expiry_seconds,
        "tracking": True,
    }
    if content_expiry_seconds:
        options = {"ipAddress": False, "fingerprint": False, "expiry": content_expiry_seconds}
        body["launchAuth"] = {"type": "vault", "options": options}
    if culture:
        body["culture"] = culture
    return body


def postback_body(postback: PostBack) -> dict[str, str]:
    """Return a PostBackSchema with every field: the documented defaults contradict each other."""
    return {
        "url": postback.url,
        "authType": "HTTPBASIC",
        "userName": postback.user_name,
        "password": postback.password,
        "resultsFormat": "COURSE",
    }


def _learner(learner: LearnerValues) -> dict[str, str]:
    fields = {
        "id": learner.id,
        "firstName": learner.first_name,
        "lastName": learner.last_name,
        "email": learner.email,
    }
    told = {key: one_line(value) for key, value in fields.items() if value}
    return {key: value for key, value in told.items() if value}
