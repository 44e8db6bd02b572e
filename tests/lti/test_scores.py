"""The score message: exact bytes, and numbers that are refused."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lti_bridge.lti.scores import CANVAS_SUBMISSION, score_body

WHEN = datetime(2026, 11, 2, 9, 0, 0, 123456, tzinfo=UTC)


def body(**changes) -> bytes:
    facts = {"sub": "4", "score_given": 85.5, "timestamp": WHEN, "dialect": "moodle"}
    return score_body(**{**facts, **changes})


def test_writes_one_compact_line():
    assert body() == (
        b'{"scoreGiven":85.5,"scoreMaximum":100,"activityProgress":"Completed",'
        b'"gradingProgress":"FullyGraded","timestamp":"2026-11-02T09:00:00.123Z","userId":"4"}'
    )


def test_canvas_gets_its_extension():
    sent = json.loads(
        body(dialect="canvas", new_submission=True, submitted_at=WHEN - timedelta(seconds=1))
    )

    assert sent["submission"] == {"submittedAt": "2026-11-02T08:59:59.123Z"}
    assert sent[CANVAS_SUBMISSION] == {
        "new_submission": True,
        "submission_type": "external_tool",
        "prioritize_non_tool_grade": True,
        "submitted_at": "2026-11-02T08:59:59.123Z",
    }


def test_canvas_repeat_makes_no_submission():
    sent = json.loads(body(dialect="canvas", prioritize_non_tool_grade=False))

    assert "submission" not in sent
    assert sent[CANVAS_SUBMISSION]["new_submission"] is False
    assert sent[CANVAS_SUBMISSION]["prioritize_non_tool_grade"] is False


@pytest.mark.parametrize("dialect", ["moodle", "canvas", "generic"])
def test_never_sends_a_comment(dialect):
    assert b"omment" not in body(dialect=dialect, submitted_at=WHEN)


@pytest.mark.parametrize(
    "score, written",
    [(0, b"0"), (100.0, b"100"), (33.33333333, b"33.3333"), (Decimal("85.50"), b"85.5")],
)
def test_writes_plain_numbers(score, written):
    assert b'"scoreGiven":' + written + b"," in body(score_given=score)


@pytest.mark.parametrize(
    "score",
    [True, float("nan"), float("inf"), -1, 100.001, "85", None, Decimal("NaN")],
)
def test_refuses_what_is_no_score(score):
    with pytest.raises(ValueError):
        body(score_given=score)


def test_other_zones_become_utc():
    local = datetime(2026, 11, 2, 10, 0, tzinfo=timezone(timedelta(hours=1)))

    assert b'"2026-11-02T09:00:00.000Z"' in body(timestamp=local)


def test_refuses_time_without_zone():
    with pytest.raises(ValueError):
        body(timestamp=datetime(2026, 11, 2))


@given(st.floats(0, 100), st.text(max_size=40))
def test_any_score_is_one_line_of_json(score, sub):
    written = body(score_given=score, sub=sub)

    assert b"\n" not in written
    assert json.loads(written)["userId"] == sub
    assert abs(json.loads(written)["scoreGiven"] - score) <= 0.00005
