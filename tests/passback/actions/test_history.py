"""`registration show` tells one learner's story in plain words."""

from datetime import UTC, datetime, timedelta

import pytest

from lti_bridge.passback.actions.history import tell
from lti_bridge.registrations.models import Registration
from tests.rows import (
    add_event,
    add_grade,
    add_launch,
    add_link,
    add_registration,
    add_try,
)

AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


@pytest.fixture
def registration(services) -> Registration:
    """Alice's finished registration."""
    return add_registration(AT, add_link(AT))


def lines(row: Registration, seconds: float = 600) -> list[str]:
    return tell(row, after(seconds)).splitlines()


def test_tells_the_whole_story_in_order(registration):
    grade = add_grade(AT, registration, decision_reason="The gradebook has 85.5 of 100.")
    add_launch(AT, registration, exited_at=after(60), settled_at=after(62))
    add_event(after(61), registration, "SCORM Cloud reports: completed, passed, score 85.5.")
    add_event(AT, registration, "The learner opened the activity.")
    add_try(
        after(63),
        registration,
        grade,
        outcome="retry",
        status=503,
        duration_ms=12,
        excerpt="busy\nx",
    )
    add_try(after(70), registration, grade, outcome="accepted", status=200, duration_ms=9)

    assert lines(registration) == [
        "Registration dea0b646-1d62-5d1f-93ba-9e3f4ef9f06c",
        "  learner   Alice Andersen (user user-7 of School)",
        "  activity  Fire safety, in Workplace safety",
        "  course    fire, attempt 1, account default",
        "",
        "What happened",
        "  2026-11-02 09:00:00 UTC  The learner opened the activity.",
        "  2026-11-02 09:01:01 UTC  SCORM Cloud reports: completed, passed, score 85.5.",
        "  2026-11-02 09:01:02 UTC  The result of the launch of 2026-11-02 09:00:00 UTC is known.",
        "  2026-11-02 09:01:03 UTC  Sent 85.5 to the LMS: retry (503, 12 ms). The LMS said: busy x",
        "  2026-11-02 09:01:10 UTC  Sent 85.5 to the LMS: accepted (200, 9 ms).",
        "",
        "How it stands",
        "  Progress: completed, passed, score 85.5 of 100, read 2026-11-02 09:01:00 UTC.",
        "  The policy says: The gradebook has 85.5 of 100.",
        "  Nothing is due.",
    ]


def test_tells_what_comes_next(registration):
    add_grade(AT, registration, next_read_at=after(1), next_send_at=after(700))

    assert lines(registration)[-2:] == [
        "  Next: look at SCORM Cloud, now.",
        "  Next: send to the LMS, at 2026-11-02 09:11:40 UTC.",
    ]


def test_tells_that_an_answer_was_lost(registration):
    grade = add_grade(AT, registration)
    add_try(after(63), registration, grade)

    assert any(
        line.endswith("Sent 85.5 to the LMS: the outcome is not known (no answer).")
        for line in lines(registration)
    )


def test_tells_that_a_column_is_missing(registration):
    registration.resource_link.line_item_url = None
    add_grade(AT, registration)

    assert "  The LMS has not named a gradebook column for this activity." in lines(registration)


def test_pseudonymous_learner_has_no_name(registration):
    registration.learner.first_name = registration.learner.last_name = None

    assert lines(registration)[1] == "  learner   name not kept (user user-7 of School)"


def test_registration_without_a_grade_is_told(registration):
    assert lines(registration)[-1] == "  There is no grade for it."
