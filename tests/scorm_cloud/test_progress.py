"""SCORM Cloud's payloads as values: the recorded shapes, and everything odd that was seen."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lti_bridge.scorm_cloud.progress import (
    Completion,
    Progress,
    Success,
    parse_launch_history,
    parse_moment,
    parse_progress,
    parse_score,
)

PASSED = {
    "id": "a",
    "instance": 2,
    "registrationCompletion": "COMPLETED",
    "registrationSuccess": "PASSED",
    "score": {"scaled": 85.5},
    "totalSecondsTracked": 61.2,
}


def test_reads_a_whole_registration() -> None:
    assert parse_progress(PASSED) == Progress(
        Completion.COMPLETED, Success.PASSED, 85.5, seconds=61.2
    )


@pytest.mark.parametrize(
    "changed, expected",
    [
        ({"registrationCompletion": "completed"}, ("COMPLETED", "PASSED", 85.5)),
        ({"registrationCompletion": "NEARLY"}, ("UNKNOWN", "PASSED", 85.5)),
        ({"registrationSuccess": None}, ("COMPLETED", "UNKNOWN", 85.5)),
        ({"registrationSuccess": 7}, ("COMPLETED", "UNKNOWN", 85.5)),
        ({"score": None}, ("COMPLETED", "PASSED", None)),
        ({"score": {}}, ("COMPLETED", "PASSED", None)),
        ({"score": {"scaled": 0}}, ("COMPLETED", "PASSED", 0.0)),
        ({"score": {"scaled": "NaN"}}, ("COMPLETED", "PASSED", None)),
        ({"totalSecondsTracked": None, "instance": "x"}, ("COMPLETED", "PASSED", 85.5)),
        ({"registrationCompletionAmount": "NaN"}, ("COMPLETED", "PASSED", 85.5)),
    ],
    ids=[
        "lower case is understood",
        "an unknown completion is UNKNOWN",
        "an absent success is UNKNOWN",
        "a number is no success",
        "no score object",
        "an empty score object",
        "zero is a score",
        "NaN is no score",
        "odd numbers are left out",
        "the completion amount is never looked at",
    ],
)
def test_tolerates_what_was_seen(changed: dict[str, Any], expected: tuple[Any, ...]) -> None:
    assert parse_progress({**PASSED, **changed}).result == expected


def test_nothing_is_unknown_progress() -> None:
    assert parse_progress({}) == Progress()


@pytest.mark.parametrize(
    "scaled, score",
    [(7.0000000000000009, 7.0), (93, 93.0), (-40, 0.0), (120, 100.0), (33.333333333, 33.3333)],
    ids=["error of floats", "whole number", "below 0", "above 100", "long fraction"],
)
def test_scores_are_clamped_and_rounded(scaled: float, score: float) -> None:
    assert parse_score({"scaled": scaled}) == score


@pytest.mark.parametrize(
    "value",
    [True, "eleven", [1], {"x": 1}, float("inf"), 10**400],
    ids=["true", "word", "list", "object", "infinite", "larger than any float"],
)
def test_what_is_no_number_is_no_score(value: object) -> None:
    assert parse_score({"scaled": value}) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
KEYS = st.sampled_from([*PASSED, "launchHistory"])


@given(st.dictionaries(KEYS, JSON))
def test_no_payload_ever_raises(payload: dict[str, Any]) -> None:
    progress = parse_progress(payload)
    history = parse_launch_history(payload)

    assert progress.score_scaled is None or 0 <= progress.score_scaled <= 100
    assert isinstance(history, list)


@pytest.mark.parametrize(
    "completion, success, score, is_real, is_outcome",
    [
        ("COMPLETED", "UNKNOWN", 60.0, True, True),
        ("COMPLETED", "FAILED", 20.0, True, True),
        ("COMPLETED", "PASSED", None, False, True),
        ("COMPLETED", "UNKNOWN", None, False, True),
        ("INCOMPLETE", "PASSED", 90.0, True, True),
        ("INCOMPLETE", "PASSED", None, False, True),
        ("UNKNOWN", "FAILED", 10.0, False, True),
        ("INCOMPLETE", "FAILED", None, False, False),
        ("INCOMPLETE", "UNKNOWN", 50.0, False, False),
        ("UNKNOWN", "UNKNOWN", 0.0, False, False),
    ],
    ids=[
        "completed with a score",
        "failed with a score",
        "passed without a score",
        "completed without a score",
        "passed before the end",
        "passed before the end without a score",
        "failed with unknown completion",
        "failed before the end",
        "unfinished with a score",
        "nothing known",
    ],
)
def test_tells_results_from_running_scores(
    completion: str, success: str, score: float | None, is_real: bool, is_outcome: bool
) -> None:
    outcome = Progress(Completion(completion), Success(success), score).outcome

    assert (outcome.is_real, outcome.is_outcome) == (is_real, is_outcome)


def test_reads_launch_history() -> None:
    payload = {
        "launchHistory": [
            {
                "launchTime": "2026-11-02T09:00:00.000Z",
                "exitTime": "2026-11-02T09:05:00Z",
                "completionStatus": "COMPLETED",
                "successStatus": "FAILED",
                "score": {"scaled": 40},
            },
            {"launchTime": "2026-11-02T10:00:00+01:00"},
            "not a session",
        ]
    }

    first, second = parse_launch_history(payload)

    assert first.exited_at == datetime(2026, 11, 2, 9, 5, tzinfo=UTC)
    assert (first.completion, first.success, first.score_scaled) == ("COMPLETED", "FAILED", 40.0)
    assert second.launched_at == datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
    assert (second.exited_at, second.completion) == (None, "UNKNOWN")


@pytest.mark.parametrize(
    "text", ["2026-11-02T09:00:00", "2026-11-02T09:00:00Z"], ids=["without a zone", "with a zone"]
)
def test_moments_are_aware_utc(text: str) -> None:
    assert parse_moment(text) == datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "value", ["yesterday", "", 3, None], ids=["text", "empty", "number", "none"]
)
def test_what_is_no_moment_is_none(value: object) -> None:
    assert parse_moment(value) is None
