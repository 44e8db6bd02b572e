"""The score message: exact bytes, and numbers that are refused."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lti_bridge.lti.score_body import score_body

WHEN = datetime(2026, 11, 2, 9, 0, 0, 123456, tzinfo=UTC)


def body(**changes) -> bytes:
    facts = {"sub": "4", "score_given": 85.5, "timestamp": WHEN}
    return score_body(**{**facts, **changes})


def test_writes_one_compact_line():
    assert body() == (
        b'{"scoreGiven":85.5,"scoreMaximum":100,"activityProgress":"Completed",'
        b'"gradingProgress":"FullyGraded","timestamp":"2026-11-02T09:00:00.123Z","userId":"4"}'
    )


def test_extension_follows_the_fields_of_ags():
    assert body(extension={"x": {"y": 1}}).endswith(b'"userId":"4","x":{"y":1}}')


@pytest.mark.parametrize(
    "score, written",
    [(0, b"0"), (100.0, b"100"), (33.33333333, b"33.3333"), (Decimal("85.50"), b"85.5")],
    ids=["zero", "whole float", "long fraction", "decimal"],
)
def test_writes_plain_numbers(score, written):
    assert b'"scoreGiven":' + written + b"," in body(score_given=score)


@pytest.mark.parametrize(
    "score",
    [True, float("nan"), float("inf"), -1, 100.001, "85", None, Decimal("NaN")],
    ids=repr,
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
