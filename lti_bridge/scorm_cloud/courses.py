"""SCORM Cloud's courses and import jobs as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .progress import parse_moment

# Labels of courseLearningStandard.
STANDARDS = {
    "SCORM11": "SCORM 1.1",
    "SCORM12": "SCORM 1.2",
    "SCORM20042NDEDITION": "SCORM 2004 2nd edition",
    "SCORM20043RDEDITION": "SCORM 2004 3rd edition",
    "SCORM20044THEDITION": "SCORM 2004 4th edition",
    "AICC": "AICC",
    "XAPI": "xAPI",
    "CMI5": "cmi5",
    "LTI13": "LTI 1.3",
}


@dataclass(frozen=True)
class Course:
    """One course with its newest version, standard and number of registrations.

    Versions count from 0; `updated_at` is None when SCORM Cloud did not say.
    """

    id: str
    title: str
    version: int
    standard: str
    registration_count: int | None
    updated_at: datetime | None = None

    @property
    def standard_name(self) -> str:
        """The standard's label; an unknown one is shown as SCORM Cloud writes it."""
        return STANDARDS.get(self.standard, self.standard.capitalize())


@dataclass(frozen=True)
class CoursePage:
    """One page of courses; `more` is the token of the next one, empty on the last.

    `total` counts the whole list; SCORM Cloud gives it on the first page only, else it is None.
    """

    courses: tuple[Course, ...]
    more: str = ""
    total: int | None = None


@dataclass(frozen=True)
class ImportJob:
    """The state of an import: RUNNING, COMPLETE or ERROR, whose `message` may be empty."""

    status: str
    message: str
    warnings: tuple[str, ...]
    course: Course | None


def parse_course(payload: Mapping[str, Any]) -> Course:
    """Parse a CourseSchema."""
    count, version = payload.get("registrationCount"), payload.get("version")
    return Course(
        id=str(payload.get("id", "")),
        title=str(payload.get("title") or payload.get("id") or ""),
        version=version if isinstance(version, int) else 0,
        standard=str(payload.get("courseLearningStandard") or "UNKNOWN"),
        registration_count=count if isinstance(count, int) and count >= 0 else None,
        updated_at=parse_moment(payload.get("updated")),
    )


def parse_course_page(payload: Mapping[str, Any], total: str) -> CoursePage:
    """Parse a CourseListSchema and the header X-Total-Count."""
    entries = payload.get("courses")
    return CoursePage(
        tuple(parse_course(e) for e in entries or () if isinstance(e, Mapping)),
        more=str(payload.get("more") or ""),
        total=int(total) if total.isascii() and total.isdigit() else None,
    )


def parse_import_job(payload: Mapping[str, Any]) -> ImportJob:
    """Parse an ImportJobResultSchema."""
    result = payload.get("importResult")
    if not isinstance(result, Mapping):
        result = {}
    course = result.get("course")
    return ImportJob(
        status=str(payload.get("status") or "RUNNING").upper(),
        message=str(payload.get("message") or ""),
        warnings=tuple(str(warning) for warning in result.get("parserWarnings") or ()),
        course=parse_course(course) if isinstance(course, Mapping) else None,
    )
