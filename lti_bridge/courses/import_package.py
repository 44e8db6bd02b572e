"""Import a package as a course of an account: send it to SCORM Cloud and follow the import."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from flask import Request

from ..audit.actor import Actor
from ..audit.log import record
from ..core.db import db
from ..core.errors import BridgeError, NotFound, Reason, Refused, Unavailable
from ..platforms.models import ScormAccount
from ..scorm_cloud.courses import Course, ImportJob
from ..services import Services
from ..web.rejections import get_rejection
from .check_package import UploadRefused, check_course_id, check_package, propose_course_id

MEGABYTE = 1024 * 1024
# Allowance for the form's other fields and multipart boundaries.
FORM_BYTES = MEGABYTE
MOST_SUGGESTIONS = 20
UNKNOWN_ARRIVAL = (
    "SCORM Cloud did not answer, so the package may have arrived or not. Look in the list of "
    "courses before you try again."
)


class CourseExists(UploadRefused):
    """The account has a course with this id, of which the package may be a new version.

    Without `may_replace` another id must be chosen.
    """

    def __init__(self, course: Course, suggestion: str, may_replace: bool) -> None:
        super().__init__("exists", "There is a course with this id already.")
        self.course = course
        self.suggestion = suggestion
        self.may_replace = may_replace


@dataclass(frozen=True)
class Package:
    """An upload: `new_version_of` is the course id that the user confirmed to replace, or "".

    `may_replace`: an owner of the bridge permits new versions; `sender` and the platform are for
    the audit log.
    """

    file: BinaryIO
    file_name: str
    course_id: str
    new_version_of: str
    may_replace: bool
    sender: Actor | str
    platform_id: int | None = None


def read_package(
    request: Request, *, may_replace: bool, sender: Actor | str, platform_id: int | None
) -> Package:
    """Return the package of an upload form. Raises UploadRefused when it has none."""
    file = request.files.get("package")
    if file is None or not file.filename:
        raise UploadRefused("no_file", "Choose the zip file of a course first.")
    return Package(
        file=cast(BinaryIO, file.stream),
        file_name=file.filename,
        course_id=request.form.get("course_id", "").strip(),
        new_version_of=request.form.get("new_version_of", ""),
        may_replace=may_replace,
        sender=sender,
        platform_id=platform_id,
    )


@dataclass(frozen=True)
class Import:
    """The state of an import; `course` is set once it is complete."""

    course_id: str
    job: ImportJob
    course: Course | None


def interactive_seconds(services: Services) -> float:
    """Return the deadline of one call, in seconds, while a user waits for a page."""
    return services.settings.scorm_cloud.launch_deadline_seconds


def find_course(services: Services, account: ScormAccount, course_id: str) -> Course | None:
    """Return the course with this id, None when the id is free. Raises as the client does."""
    try:
        return services.scorm_cloud(account).get_course(
            course_id, deadline_seconds=interactive_seconds(services)
        )
    except NotFound:
        return None


def suggest_course_id(services: Services, account: ScormAccount, course_id: str) -> str:
    """Return a similar id that is free, "" when none was found."""
    for number in range(2, MOST_SUGGESTIONS):
        candidate = f"{course_id[:90]}-{number}"
        if find_course(services, account, candidate) is None:
            return candidate
    return ""


def check_free(services: Services, account: ScormAccount, course_id: str, may_replace: bool) -> str:
    """Return the normalised id; raises CourseExists, UploadRefused, or as the client."""
    course_id = check_course_id(course_id)
    existing = find_course(services, account, course_id)
    if existing is not None:
        raise CourseExists(existing, suggest_course_id(services, account, course_id), may_replace)
    return course_id


def answer_check(
    services: Services, account: ScormAccount, course_id: str, may_replace: bool
) -> tuple[dict[str, Any], int]:
    """Return the JSON and status of a check of an id, for the upload form's script."""
    try:
        check_free(services, account, course_id, may_replace)
        return {}, 200
    except CourseExists as error:
        return describe_existing(error), 200
    except BridgeError as error:
        return {"error": say_failure(error)}, 400


def send_package(services: Services, account: ScormAccount, package: Package) -> tuple[str, str]:
    """Send a package to SCORM Cloud; returns the import job's id and the course's. Commits.

    Raises CourseExists unless the user confirmed to replace this course and may do so,
    UploadRefused for an invalid package or one that SCORM Cloud refuses, and Unavailable.
    """
    check_package(package.file)
    course_id = check_course_id(package.course_id or propose_course_id(package.file_name))
    existing = find_course(services, account, course_id)
    confirmed = package.may_replace and package.new_version_of == course_id
    if existing is not None and not confirmed:
        suggestion = suggest_course_id(services, account, course_id)
        raise CourseExists(existing, suggestion, package.may_replace)
    confirmed = existing is not None
    return send_checked(services, account, package, course_id, new_version=confirmed), course_id


def send_checked(
    services: Services,
    account: ScormAccount,
    package: Package,
    course_id: str,
    *,
    new_version: bool,
    progress: Callable[[int], None] | None = None,
) -> str:
    """Send a package that passed `check_package`; returns the import job's id. Commits.

    An accepted package is recorded in the audit log. `progress` is called with the number of bytes
    sent since its last call. Raises UploadRefused for a package that SCORM Cloud refuses,
    CourseExists for a concurrent upload of the same id, Unavailable.
    """
    try:
        job_id = services.scorm_cloud(account).upload_course(
            package.file,
            package.file_name,
            course_id,
            new_version=new_version,
            progress=progress,
            deadline_seconds=services.settings.scorm_cloud.upload_deadline_seconds,
        )
    except Refused as error:
        if error.code == "already_exists" and not new_version:  # a concurrent upload
            existing = find_course(services, account, course_id)
            if existing is not None:
                suggestion = suggest_course_id(services, account, course_id)
                raise CourseExists(existing, suggestion, package.may_replace) from error
        raise UploadRefused(Reason.SCORM_CLOUD_REFUSED, _refusal(error)) from error
    except Unavailable as error:
        if not error.effect_unknown:
            raise
        raise UploadRefused("unknown_arrival", UNKNOWN_ARRIVAL) from error
    if not job_id:
        raise UploadRefused("unknown_arrival", UNKNOWN_ARRIVAL)
    _record(services, account, package, course_id, new_version)
    return job_id


def _record(
    services: Services, account: ScormAccount, package: Package, course_id: str, new_version: bool
) -> None:
    version = "as a new version of" if new_version else "as"
    said = f"uploaded a package to the account {account.name} {version} {course_id}"
    subject, now = f"course {course_id}", services.now()
    record(package.sender, "upload", subject, said, now=now, platform_id=package.platform_id)
    db.session.commit()


def _refusal(error: Refused) -> str:
    if error.code == "credentials":
        return (
            "SCORM Cloud does not let this bridge upload courses. The operator of the bridge can "
            "check the account's app id, secret key and permissions."
        )
    if error.code == "too_large":
        return (
            "SCORM Cloud, or a server on the way to it, takes no package of this size. Take videos "
            "out of the package, or ask the operator of this bridge to have the limit raised."
        )
    said = f" It says: “{error.explanation}”" if error.explanation else ""
    return (
        f"SCORM Cloud did not take the package.{said} If the account's quota is used up, its "
        "owner can make room; otherwise check the package."
    )


def look_at_import(
    services: Services, account: ScormAccount, job_id: str, course_id: str
) -> Import:
    """Return the state of an import. Raises Unavailable, Refused or NotFound."""
    client, seconds = services.scorm_cloud(account), interactive_seconds(services)
    job = client.get_import_job(job_id, deadline_seconds=seconds)
    course = job.course
    if job.status == "COMPLETE" and course is None:
        course = client.get_course(course_id, deadline_seconds=seconds)
    return Import(course_id, job, course if job.status == "COMPLETE" else None)


def too_large(limit: int) -> str:
    """Return the message about a file of more than `limit` MB."""
    return (
        f"This file is too large: at most {limit} MB can be uploaded here. Take videos out of the "
        "package, or ask the operator of this bridge to upload it to SCORM Cloud."
    )


def say_failure(error: BridgeError) -> str:
    """Return the message about a failed upload or import."""
    if isinstance(error, UploadRefused):
        return str(error)
    if isinstance(error, Unavailable):
        return "SCORM Cloud does not answer right now. Try again in a moment."
    reason = getattr(error, "reason", Reason.SCORM_CLOUD_REFUSED)
    rejection = get_rejection(reason)
    return f"{rejection.title}. {rejection.happened} {rejection.advice}"


def describe_existing(error: CourseExists) -> dict[str, Any]:
    """Return the JSON about a course that has the id already, for the upload form's script."""
    course = error.course
    return {
        "exists": True,
        "id": course.id,
        "title": course.title,
        "version": course.version + 1,
        "suggestion": error.suggestion,
        "may_replace": error.may_replace,
    }
