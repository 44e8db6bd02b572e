"""Courses and import jobs as values."""

from datetime import UTC, datetime

import pytest

from lti_bridge.scorm_cloud.courses import (
    Course,
    CoursePage,
    ImportJob,
    parse_course,
    parse_course_page,
    parse_import_job,
)


def test_reads_a_course() -> None:
    payload = {
        "id": "golf",
        "title": "Golf",
        "version": 3,
        "courseLearningStandard": "SCORM12",
        "registrationCount": 7,
        "updated": "2026-11-01T08:00:00.000Z",
    }

    course = parse_course(payload)

    updated = datetime(2026, 11, 1, 8, tzinfo=UTC)
    assert course == Course("golf", "Golf", 3, "SCORM12", 7, updated)
    assert course.standard_name == "SCORM 1.2"


def test_unknown_standard_is_shown_as_it_is() -> None:
    assert parse_course({"id": "x", "courseLearningStandard": "SCORM3000"}).standard_name == (
        "Scorm3000"
    )
    assert parse_course({"id": "x"}).standard_name == "Unknown"


@pytest.mark.parametrize(
    "payload, total, page",
    [
        ({}, "", CoursePage((), "", None)),
        ({"courses": None, "more": None}, "x", CoursePage((), "", None)),
        (
            {"courses": [{"id": "golf"}, "?"], "more": "next"},
            "12",
            CoursePage((Course("golf", "golf", 0, "UNKNOWN", None),), "next", 12),
        ),
    ],
    ids=["nothing", "odd", "whole"],
)
def test_reads_a_page_of_courses(payload: dict[str, object], total: str, page: CoursePage) -> None:
    assert parse_course_page(payload, total) == page


def test_bare_course_keeps_its_id_as_title() -> None:
    assert parse_course({"id": "golf", "registrationCount": -1, "version": "x"}) == Course(
        "golf", "golf", 0, "UNKNOWN", None
    )


@pytest.mark.parametrize(
    "payload, job",
    [
        ({}, ImportJob("RUNNING", "", (), None)),
        ({"status": "error"}, ImportJob("ERROR", "", (), None)),
        ({"status": "ERROR", "message": "bad zip"}, ImportJob("ERROR", "bad zip", (), None)),
        (
            {
                "status": "COMPLETE",
                "importResult": {"parserWarnings": ["odd"], "course": {"id": "golf"}},
            },
            ImportJob("COMPLETE", "", ("odd",), Course("golf", "golf", 0, "UNKNOWN", None)),
        ),
        ({"status": "COMPLETE", "importResult": "?"}, ImportJob("COMPLETE", "", (), None)),
    ],
    ids=["nothing", "no message", "a message", "whole", "odd"],
)
def test_reads_an_import_job(payload: dict[str, object], job: ImportJob) -> None:
    assert parse_import_job(payload) == job
