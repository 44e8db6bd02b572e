"""What we tell SCORM Cloud, as the JSON bodies of its v2 API."""

from dataclasses import dataclass
from typing import Any

from ..core.plain_text import one_line


@dataclass(frozen=True)
class LearnerValues:
    """Who SCORM Cloud is told the learner is; the id alone under pseudonymous privacy."""

    id: str
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None


@dataclass(frozen=True)
class PostBack:
    """Where SCORM Cloud says that a registration changed, and how it proves itself."""

    url: str
    user_name: str
    password: str


def registration_body(
    registration_id: str, course_id: str, learner: LearnerValues, postback: PostBack | None
) -> dict[str, Any]:
    """Return a CreateRegistrationSchema; a learner has no `name` there."""
    body: dict[str, Any] = {
        "courseId": course_id,
        "registrationId": registration_id,
        "learner": _learner(learner),
    }
    if postback is not None:
        body["postBack"] = postback_body(postback)
    return body


def learner_body(learner: LearnerValues) -> dict[str, Any]:
    """Return a LearnerSchema in which every value takes the place of the one before."""
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

    `launchAuth` vault keeps the content readable inside an LMS frame, where SCORM Cloud's own
    cookie is blocked. The link is built by us and opened by the learner, so it must not be bound
    to an address.
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
    """Return a PostBackSchema; the documented defaults contradict each other, so all is said."""
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
