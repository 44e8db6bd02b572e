"""`registration show` tells one learner's story in plain words."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from lti_bridge.core.clock import say_time
from lti_bridge.core.db import db
from lti_bridge.lms.readings import CLEARED, HELD
from lti_bridge.passback.actions.history import tell, tell_moments
from lti_bridge.passback.learner_state import (
    EVENT_SENDS,
    NO_REGISTRATION,
    OURS_INSTEAD,
    PERSON_SENDS,
    SOON,
)
from lti_bridge.passback.models import Score
from lti_bridge.passback.pipeline.find_line_item import NONE_YET
from lti_bridge.passback.rules.grading_policy import Attempt, decide
from lti_bridge.passback.rules.plan import NOT_GRANTED
from lti_bridge.passback.rules.reasons import KEPT_IN_LMS, PAUSED, THROTTLED
from lti_bridge.platforms.models import Platform
from lti_bridge.registrations.grading import make_policy
from lti_bridge.registrations.models import Registration
from lti_bridge.scorm_cloud.progress import Completion, Success
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
        outcome="trylater",
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
        "  2026-11-02 09:01:03 UTC  Sent 85.5 to the LMS: not now, it is tried again "
        "(503, 12 ms). "
        "The LMS said: busy x",
        "  2026-11-02 09:01:10 UTC  Sent 85.5 to the LMS: accepted (200, 9 ms).",
        "",
        "How it stands",
        "  Progress: completed, passed, score 85.5 of 100, read 2026-11-02 09:01:00 UTC.",
        "  Grade: on its way, 85.5 of 100. It is sent in a moment.",
        "  1 of 1 attempt used.",
        "  Nothing is due.",
    ]


LOCKED = "The grade or the column is locked in the gradebook."
HELD_61 = HELD.fill(held=61.0, ours=85.5)
KEPT_77 = KEPT_IN_LMS.fill(held=77.0, ours=85.5)
CLEARED_85 = CLEARED.fill(ours=85.5)


@pytest.mark.parametrize(
    ("score", "cell", "told"),
    [
        ({"state": "accepted"}, {}, ["Grade: taken by the LMS, 85.5 of 100."]),
        (
            {"state": "accepted", "held_after": 85.5},
            {},
            [
                "Grade: in the gradebook, 85.5 of 100.",
                "The LMS held 85.5 of 100 when it was read last.",
            ],
        ),
        (
            {"state": "accepted", "standing": "kept", "held_after": 77.0, "reason": KEPT_77},
            {},
            [
                f"Grade: another grade stands, 85.5 of 100. {KEPT_77}",
                "The LMS held 77 of 100 when it was read last.",
            ],
        ),
        (
            {"state": "superseded", "reason": HELD_61},
            {},
            [
                f"Grade: another grade stands, 85.5 of 100. {HELD_61} {OURS_INSTEAD}",
                "The LMS held 61 of 100 when it was read last.",
            ],
        ),
        (
            {"state": "superseded", "reason": CLEARED_85},
            {},
            [f"Grade: another grade stands, 85.5 of 100. {CLEARED_85} {OURS_INSTEAD}"],
        ),
        (
            {"state": "parked", "reason": LOCKED},
            {"decision_reason": LOCKED},
            [f"Grade: needs attention, 85.5 of 100. {LOCKED} {EVENT_SENDS}"],
        ),
        (
            {"state": "parked", "reason": "Ida parked it.", "stopped": True},
            {},
            [f"Grade: needs attention, 85.5 of 100. Ida parked it. {PERSON_SENDS}"],
        ),
        (
            {"state": "queued"},
            {"waits_for_line_item": True, "decision_reason": NONE_YET},
            [f"Grade: waits for a gradebook column, 85.5 of 100. {NONE_YET}"],
        ),
    ],
    ids=["taken", "read", "kept", "override", "cleared", "locked", "stopped", "no column"],
)
def test_tells_how_the_grade_stands(registration, score, cell, told):
    grade = add_grade(AT, registration, **cell)
    add_try(after(63), registration, grade, outcome="accepted", status=200)
    db.session.execute(update(Score).values(score))
    db.session.commit()
    db.session.expire_all()

    said = [line.strip() for line in lines(registration)]

    place = said.index(told[0])
    assert said[place : place + len(told)] == told
    sent = "Sent at 2026-11-02 09:01:03 UTC."
    assert (sent in said) is (score.get("state") == "accepted")


@pytest.mark.parametrize(
    ("values", "scopes", "told"),
    [
        ({"paused_until": after(900)}, None, PAUSED.fill(until=say_time(after(900)))),
        (
            {"paused_until": after(900), "is_throttled": True},
            None,
            THROTTLED.fill(until=say_time(after(900))),
        ),
        ({}, [], NOT_GRANTED),
        ({"paused_until": after(500)}, None, SOON),
    ],
    ids=["maintenance", "throttled", "scope missing", "maintenance over"],
)
def test_tells_what_the_grade_waits_for(registration, values, scopes, told):
    grade = add_grade(AT, registration)
    add_try(after(63), registration, grade)
    db.session.execute(update(Platform).values({"is_throttled": False, **values}))
    registration.resource_link.service_scopes = scopes
    db.session.commit()
    db.session.expire_all()

    (line,) = [line for line in lines(registration) if line.startswith("  Grade: ")]

    assert line.endswith(f"85.5 of 100. {told}")


def test_refused_launch_is_not_in_progress(registration):
    """SCORM Cloud has no such course: the row of the launch is there, the registration is not."""
    add_grade(AT, registration)
    registration.launched_at = AT
    registration.completion, registration.success = Completion.UNKNOWN, Success.UNKNOWN

    assert f"  Grade: the course did not open. {NO_REGISTRATION}" in lines(registration)


@pytest.mark.parametrize(
    ("policy", "sentence"),
    [
        ({"answer": "best"}, "The course reported a score of 90."),
        ({"answer": "latest"}, "The course reported a score of 40."),
        ({"answer": "first"}, "The course reported a score of 90."),
        ({"answer": "average"}, "The average of 2 attempts is 65."),
    ],
    ids=["best", "latest", "first", "average"],
)
def test_decision_says_which_result_counts(policy, sentence):
    attempts = [
        Attempt(1, "COMPLETED", "PASSED", 90.0, 90.0, ended=True),
        Attempt(2, "COMPLETED", "FAILED", 40.0, 40.0, ended=True),
    ]

    decision = decide(attempts, make_policy(policy))

    assert decision.reason == sentence


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ((Completion.COMPLETED, Success.PASSED), "completed, passed"),
        ((Completion.COMPLETED, Success.FAILED), "completed, failed"),
        ((Completion.INCOMPLETE, Success.FAILED), "not completed, failed"),
        ((Completion.UNKNOWN, Success.UNKNOWN), "no result yet"),
    ],
    ids=["passed", "failed", "provisional", "nothing"],
)
def test_progress_is_told_in_words(registration, result, words):
    registration.completion, registration.success = result

    told = f"  Progress: {words}, score 85.5 of 100, read"
    assert any(line.startswith(told) for line in lines(registration))


def test_last_look_is_told_where_it_says_more(registration):
    add_grade(AT, registration, decision_reason="The course is not finished yet.")
    registration.launched_at = registration.created_at = AT
    registration.completion, registration.success = Completion.INCOMPLETE, Success.UNKNOWN

    said = lines(registration)

    assert "  Grade: in progress." in said
    assert "  The last look said: The course is not finished yet." in said


def test_decision_comes_before_its_first_try(registration):
    """Both are written in one go, the try's moment being taken first."""
    grade = add_grade(AT, registration)
    add_try(after(63), registration, grade, outcome="accepted", status=200)
    db.session.execute(update(Score).values(decided_at=after(63.001)))
    add_event(after(63.001), registration, "Decided to send 85.5 of 100.")
    db.session.expire_all()

    told = [text for _, text in tell_moments(registration)]

    assert [text.split()[0] for text in told] == ["Decided", "Sent"]


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
