"""Client for SCORM Cloud's v2 API, one per account; returns values and raises core.errors."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, BinaryIO

from ..core.errors import NotFound, Refused
from ..core.http.session import Outbound
from .concurrency import CallSlots
from .courses import (
    Course,
    CoursePage,
    ImportJob,
    parse_course,
    parse_course_page,
    parse_import_job,
)
from .progress import (
    LaunchHistoryEntry,
    Progress,
    RegistrationPage,
    parse_launch_history,
    parse_progress,
)
from .request_bodies import (
    LearnerValues,
    PostBack,
    launch_link_body,
    learner_body,
    postback_body,
    registration_body,
)
from .transport import Report, Wire, path_to, read_json, read_list, server_time
from .upload import MultipartFile

__all__ = ["LearnerValues", "PostBack", "RegistrationPage", "ScormCloudClient"]

COUNTED = {"includeRegistrationCount": "true"}


class ScormCloudClient:
    """Calls one SCORM Cloud application.

    Every method raises Unavailable (no answer, 429 or 5xx: try again later), NotFound (404) or
    Refused (any other refusal, with `code` where its meaning is known). Idempotent calls are
    retried with back-off within their deadline (seconds of wall-clock time); creating a
    registration is never retried.
    """

    def __init__(
        self,
        base_url: str,
        app_id: str,
        secret_key: str,
        outbound: Outbound,
        *,
        deadline_seconds: float = 15.0,
        parallel_calls: int = 8,
        call_slots: CallSlots | None = None,
        report: Report | None = None,
    ) -> None:
        self._wire = Wire(
            base_url,
            app_id,
            secret_key,
            outbound,
            deadline_seconds=deadline_seconds,
            parallel_calls=parallel_calls,
            call_slots=call_slots or CallSlots(),
            report=report,
        )

    # Health

    def ping(self, *, deadline_seconds: float | None = None) -> None:
        """Check that SCORM Cloud answers and accepts our credentials."""
        self._wire.call("GET", "/ping", deadline_seconds=deadline_seconds)

    # Courses

    def get_course(
        self, course_id: str, *, counted: bool = False, deadline_seconds: float | None = None
    ) -> Course:
        """Return the newest version of a course; `counted` adds its number of registrations."""
        params = COUNTED if counted else {}
        path = path_to("/courses", course_id)
        return parse_course(self._read(path, deadline_seconds, params=params))

    def course_exists(self, course_id: str, *, deadline_seconds: float | None = None) -> bool:
        """Tell whether the account has a course."""
        try:
            self.get_course(course_id, deadline_seconds=deadline_seconds)
        except NotFound:
            return False
        return True

    def list_courses(self, *, deadline_seconds: float | None = None) -> Iterator[Course]:
        """Yield every course of the account, page after page."""
        for answer in self._wire.pages("/courses", {}, deadline_seconds=deadline_seconds):
            yield from (parse_course(entry) for entry in read_list(answer, "courses"))

    def find_courses(
        self,
        text: str = "",
        *,
        by: str = "course_id",
        more: str = "",
        counted: bool = False,
        deadline_seconds: float | None = None,
    ) -> CoursePage:
        """Return one page of courses, the newest first.

        `text` is searched in ids or, with `by` "title", in titles; `more` is the token of the page
        before; `counted` adds each course's number of registrations.
        """
        params = {"more": more} if more else {"includeTotalCount": "true"}
        params |= COUNTED if counted else {}
        if text and not more:
            params |= {"filter": text, "filterBy": by}
        answer = self._wire.call(
            "GET", "/courses", params=params, deadline_seconds=deadline_seconds
        )
        return parse_course_page(read_json(answer), answer.headers.get("X-Total-Count", ""))

    def upload_course(
        self,
        file: BinaryIO,
        file_name: str,
        course_id: str,
        *,
        new_version: bool = False,
        progress: Callable[[int], None] | None = None,
        deadline_seconds: float = 600.0,
    ) -> str:
        """Send a package and return the import job's id.

        `progress` is called with the number of bytes sent since its last call. Raises Refused with
        code "already_exists" when the course exists and `new_version` is false, and with code
        "too_large".
        """
        body = MultipartFile(file, file_name, progress)
        flag = "true" if new_version else "false"
        answer = self._wire.call(
            "POST",
            "/courses/importJobs/upload",
            params={"courseId": course_id, "mayCreateNewVersion": flag},
            data=body,
            headers={"Content-Type": body.content_type},
            repeat=False,
            deadline_seconds=deadline_seconds,
        )
        return str(read_json(answer).get("result", ""))

    def get_import_job(self, job_id: str, *, deadline_seconds: float | None = None) -> ImportJob:
        """Return the state of an import; SCORM Cloud keeps it for a week after the end."""
        path = path_to("/courses/importJobs", job_id)
        return parse_import_job(self._read(path, deadline_seconds))

    def build_preview_link(
        self, course_id: str, redirect_on_exit_url: str, *, deadline_seconds: float | None = None
    ) -> str:
        """Return a URL that shows a course without tracking and without cost."""
        body = {"redirectOnExitUrl": redirect_on_exit_url, "expiry": 120}
        return self._build_link(path_to("/courses", course_id, "preview"), body, deadline_seconds)

    # Registrations

    def registration_exists(
        self, registration_id: str, *, deadline_seconds: float | None = None
    ) -> bool:
        """Ask by HEAD whether a registration exists."""
        path = path_to("/registrations", registration_id)
        try:
            self._wire.call("HEAD", path, deadline_seconds=deadline_seconds)
        except NotFound:
            return False
        return True

    def create_registration(
        self,
        registration_id: str,
        course_id: str,
        learner: LearnerValues,
        postback: PostBack | None,
        *,
        deadline_seconds: float | None = None,
    ) -> None:
        """Create a registration by one POST, never retried: its effect may be unknown.

        A missing course raises NotFound. An id in use raises Refused like any other error (400 or
        409), so the caller checks with `registration_exists`.
        """
        self._wire.call(
            "POST",
            "/registrations",
            json=registration_body(registration_id, course_id, learner, postback),
            repeat=False,
            deadline_seconds=deadline_seconds,
        )

    def get_registration(
        self, registration_id: str, *, deadline_seconds: float | None = None
    ) -> Progress:
        """Return the progress of a registration's newest instance."""
        path = path_to("/registrations", registration_id)
        return parse_progress(self._read(path, deadline_seconds))

    def get_registration_in_full(
        self, registration_id: str, *, deadline_seconds: float | None = None
    ) -> dict[str, Any]:
        """Return SCORM Cloud's JSON of a registration with child results and runtime data."""
        flags = ("includeChildResults", "includeInteractionsAndObjectives", "includeRuntime")
        path = path_to("/registrations", registration_id)
        return self._read(path, deadline_seconds, params={flag: "true" for flag in flags})

    def list_changed_registrations(
        self, since: datetime, *, deadline_seconds: float | None = None
    ) -> Iterator[RegistrationPage]:
        """Yield pages of registrations changed since a time; the deadline is per page.

        `datetimeFilter` is always sent: its default is `created`.
        """
        params = {"since": since.isoformat(), "datetimeFilter": "updated"}
        pages = self._wire.pages("/registrations", params, deadline_seconds=deadline_seconds)
        for answer in pages:
            entries = read_list(answer, "registrations")
            items = [(str(e.get("id", "")), parse_progress(e)) for e in entries]
            yield RegistrationPage(items, server_time(answer))

    def build_launch_link(
        self,
        registration_id: str,
        redirect_on_exit_url: str,
        *,
        expiry_seconds: int = 120,
        content_expiry_seconds: int | None = None,
        culture: str | None = None,
        deadline_seconds: float | None = None,
    ) -> str:
        """Return a URL that opens the player once, valid for 10 to 300 s."""
        body = launch_link_body(
            redirect_on_exit_url,
            expiry_seconds=expiry_seconds,
            content_expiry_seconds=content_expiry_seconds,
            culture=culture,
        )
        path = path_to("/registrations", registration_id, "launchLink")
        return self._build_link(path, body, deadline_seconds)

    def get_launch_history(
        self, registration_id: str, *, deadline_seconds: float | None = None
    ) -> list[LaunchHistoryEntry]:
        """Return the sessions of a registration's newest instance."""
        path = path_to("/registrations", registration_id, "launchHistory")
        return parse_launch_history(self._read(path, deadline_seconds))

    def delete_progress(
        self, registration_id: str, *, deadline_seconds: float | None = None
    ) -> None:
        """Delete progress and launch history, and keep the registration."""
        path = path_to("/registrations", registration_id, "progress")
        self._wire.call("DELETE", path, repeat=False, deadline_seconds=deadline_seconds)

    def delete_registration(
        self, registration_id: str, *, deadline_seconds: float | None = None
    ) -> None:
        """Delete a registration with its data; NotFound when it does not exist.

        Refused where the application does not allow deletion (SCORM Cloud's default).
        """
        path = path_to("/registrations", registration_id)
        self._wire.call("DELETE", path, deadline_seconds=deadline_seconds)

    # Learners

    def list_registrations_of(
        self, learner_id: str, *, deadline_seconds: float | None = None
    ) -> list[str]:
        """Return the ids of every registration of a learner; the deadline is per page."""
        params = {"learnerId": learner_id}
        pages = self._wire.pages("/registrations", params, deadline_seconds=deadline_seconds)
        entries = (entry for answer in pages for entry in read_list(answer, "registrations"))
        return [str(entry.get("id", "")) for entry in entries]

    def update_learner(
        self, learner: LearnerValues, *, deadline_seconds: float | None = None
    ) -> None:
        """Change name and email on every registration of a learner, in the background.

        None clears a value. NotFound when the learner has no registration.
        """
        path = path_to("/learner", learner.id, "updateInfo")
        self._wire.call("POST", path, json=learner_body(learner), deadline_seconds=deadline_seconds)

    def delete_learner_information(
        self, learner_id: str, user_email: str, *, deadline_seconds: float | None = None
    ) -> None:
        """Start the deletion of a learner's personal data, in the background.

        `user_email` is that of an owner or admin of the SCORM Cloud realm, who is notified by mail.
        NotFound when there is no such learner, Refused when that user lacks the permission.
        """
        path = path_to("/learner", learner_id, "delete-information")
        params = {"userEmail": user_email}
        self._wire.call("POST", path, params=params, json={}, deadline_seconds=deadline_seconds)

    def test_postback(self, postback: PostBack, *, deadline_seconds: float | None = None) -> None:
        """Let SCORM Cloud post dummy data to a URL, once."""
        self._wire.call(
            "POST",
            "/registrations/postBackTest",
            json=postback_body(postback),
            repeat=False,
            deadline_seconds=deadline_seconds,
        )

    def _read(self, path: str, deadline_seconds: float | None, **options: Any) -> dict[str, Any]:
        answer = self._wire.call("GET", path, deadline_seconds=deadline_seconds, **options)
        return read_json(answer)

    def _build_link(self, path: str, body: dict[str, Any], deadline_seconds: float | None) -> str:
        answer = self._wire.call("POST", path, json=body, deadline_seconds=deadline_seconds)
        link = read_json(answer).get("launchLink")
        if not isinstance(link, str) or not link.startswith(("http://", "https://")):
            raise Refused("SCORM Cloud answered without a launch link")
        return link
