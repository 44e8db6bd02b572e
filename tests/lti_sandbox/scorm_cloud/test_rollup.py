"""From run-time data to progress, as tables."""

from typing import Any

import pytest

from lti_sandbox.player.rollup import (
    Rollup,
    lesson_status,
    parse_seconds,
    roll_up,
    write_outcome,
    write_seconds,
)

STATUS, RAW = "cmi.core.lesson_status", "cmi.core.score.raw"


@pytest.mark.parametrize(
    "cmi, expected",
    [
        ({}, Rollup("INCOMPLETE", "UNKNOWN", None)),
        ({STATUS: "completed"}, Rollup("COMPLETED", "UNKNOWN", None)),
        ({STATUS: "passed", RAW: "85.5"}, Rollup("COMPLETED", "PASSED", 85.5)),
        ({STATUS: "failed", RAW: "0"}, Rollup("COMPLETED", "FAILED", 0.0)),
        ({STATUS: "browsed"}, Rollup("INCOMPLETE", "UNKNOWN", None)),
        ({RAW: "40"}, Rollup("INCOMPLETE", "UNKNOWN", 40.0)),
        (
            {STATUS: "completed", RAW: "17", "cmi.core.score.max": "20"},
            Rollup("COMPLETED", "UNKNOWN", 85.0),
        ),
        (
            {STATUS: "passed", RAW: "5", "cmi.core.score.min": "5", "cmi.core.score.max": "5"},
            Rollup("COMPLETED", "PASSED", None),
        ),
    ],
    ids=[
        "nothing set",
        "completed",
        "passed with a score",
        "failed with 0",
        "browsed",
        "score alone",
        "score of a maximum",
        "maximum equals minimum",
    ],
)
def test_rolls_up_scorm_12(cmi: dict[str, str], expected: Rollup) -> None:
    assert roll_up("SCORM12", {}, cmi, ended=False) == expected


@pytest.mark.parametrize(
    "sco, cmi, expected",
    [
        ({}, {}, Rollup("UNKNOWN", "UNKNOWN", None)),
        ({}, {"cmi.success_status": "passed"}, Rollup("UNKNOWN", "PASSED", None)),
        (
            {},
            {"cmi.completion_status": "completed", "cmi.score.scaled": "0.07"},
            Rollup("COMPLETED", "UNKNOWN", 7.0),
        ),
        ({}, {"cmi.score.raw": "5"}, Rollup("UNKNOWN", "UNKNOWN", None)),
        (
            {},
            {"cmi.score.raw": "5", "cmi.score.min": "0", "cmi.score.max": "20"},
            Rollup("UNKNOWN", "UNKNOWN", 25.0),
        ),
        (
            {"scaled_passing_score": 0.8},
            {"cmi.success_status": "failed", "cmi.score.scaled": "0.8"},
            Rollup("UNKNOWN", "PASSED", 80.0),
        ),
        (
            {"scaled_passing_score": 0.8},
            {"cmi.success_status": "passed", "cmi.score.scaled": "0.79"},
            Rollup("UNKNOWN", "FAILED", 79.0),
        ),
        (
            {"completion_threshold": 0.5},
            {"cmi.completion_status": "completed", "cmi.progress_measure": "0.4"},
            Rollup("INCOMPLETE", "UNKNOWN", None),
        ),
        ({}, {"cmi.score.scaled": "-0.5"}, Rollup("UNKNOWN", "UNKNOWN", -50.0)),
    ],
    ids=[
        "nothing set",
        "passed",
        "completed with a score",
        "raw score alone",
        "raw score of a range",
        "reaches the passing score",
        "misses the passing score",
        "misses the completion threshold",
        "negative score",
    ],
)
def test_rolls_up_scorm_2004(sco: dict[str, Any], cmi: dict[str, str], expected: Rollup) -> None:
    assert roll_up("SCORM20044THEDITION", sco, cmi, ended=False) == expected


INCOMPLETE_30 = {STATUS: "incomplete", RAW: "30"}


@pytest.mark.parametrize(
    "mastery, cmi, read, expected",
    [
        (None, {}, "completed", Rollup("COMPLETED", "UNKNOWN", None)),
        (None, {RAW: "85"}, "completed", Rollup("COMPLETED", "UNKNOWN", 85.0)),
        (70, {RAW: "70"}, "passed", Rollup("COMPLETED", "PASSED", 70.0)),
        (70, {RAW: "69.9"}, "failed", Rollup("COMPLETED", "FAILED", 69.9)),
        (70, INCOMPLETE_30, "incomplete", Rollup("INCOMPLETE", "UNKNOWN", 30.0)),
        (70, {STATUS: "passed", RAW: "30"}, "passed", Rollup("COMPLETED", "PASSED", 30.0)),
        (70, {STATUS: "failed", RAW: "90"}, "failed", Rollup("COMPLETED", "FAILED", 90.0)),
        (70, {STATUS: "completed", RAW: "90"}, "completed", Rollup("COMPLETED", "PASSED", 90.0)),
        (70, {STATUS: "completed"}, "completed", Rollup("COMPLETED", "UNKNOWN", None)),
    ],
    ids=[
        "nothing set",
        "score alone",
        "reaches the mastery score",
        "misses the mastery score",
        "incomplete",
        "passed below the mastery score",
        "failed above the mastery score",
        "completed above the mastery score",
        "completed without a score",
    ],
)
def test_scorm_12_status_at_the_end(
    mastery: float | None, cmi: dict[str, str], read: str, expected: Rollup
) -> None:
    sco = {"mastery_score": mastery}

    assert lesson_status(sco, cmi, ended=True) == read
    assert roll_up("SCORM12", sco, cmi, ended=True) == expected


COMPLETED_2004, SUCCESS_2004, SCALED = (
    "cmi.completion_status",
    "cmi.success_status",
    "cmi.score.scaled",
)


@pytest.mark.parametrize(
    "sco, cmi, expected",
    [
        ({}, {SCALED: ".85"}, Rollup("COMPLETED", "PASSED", 85.0)),
        ({}, {}, Rollup("COMPLETED", "PASSED", None)),
        ({}, {SUCCESS_2004: "failed"}, Rollup("COMPLETED", "FAILED", None)),
        ({}, {COMPLETED_2004: "incomplete"}, Rollup("INCOMPLETE", "PASSED", None)),
        (
            {"completion_set_by_content": True, "objective_set_by_content": True},
            {SCALED: ".85"},
            Rollup("UNKNOWN", "UNKNOWN", 85.0),
        ),
        (
            {"scaled_passing_score": 0.8},
            {SUCCESS_2004: "passed"},
            Rollup("COMPLETED", "UNKNOWN", None),
        ),
    ],
    ids=[
        "score alone",
        "nothing set",
        "failed",
        "incomplete",
        "content sets both",
        "passed without the score it needs",
    ],
)
def test_scorm_2004_status_at_the_end(
    sco: dict[str, Any], cmi: dict[str, str], expected: Rollup
) -> None:
    assert roll_up("SCORM20043RDEDITION", sco, cmi, ended=True) == expected


@pytest.mark.parametrize("standard", ["SCORM12", "SCORM20043RDEDITION"])
@pytest.mark.parametrize(
    "outcome",
    [("COMPLETED", "PASSED", 85.5), ("COMPLETED", "FAILED", 40.0)],
    ids=["passed", "failed"],
)
def test_written_outcome_reads_back(standard: str, outcome: tuple[str, str, float]) -> None:
    assert roll_up(standard, {}, write_outcome(standard, *outcome), ended=True) == Rollup(*outcome)


@pytest.mark.parametrize(
    "text, seconds",
    [
        ("0000:01:30.5", 90.5),
        ("10:00:00", 36000),
        ("PT1M30.5S", 90.5),
        ("P1DT1H", 90000),
        ("P", None),
        ("1:2", None),
        ("", None),
        (None, None),
    ],
    ids=[
        "1.2 with a fraction",
        "1.2",
        "2004 with a fraction",
        "2004 with days",
        "2004 without a part",
        "too short",
        "empty",
        "none",
    ],
)
def test_reads_time_spans(text: str | None, seconds: float | None) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize(
    "standard, text",
    [("SCORM12", "0001:01:01.50"), ("SCORM20044THEDITION", "PT1H1M1.50S")],
    ids=["1.2", "2004"],
)
def test_writes_time_spans(standard: str, text: str) -> None:
    assert write_seconds(standard, 3661.5) == text
    assert parse_seconds(text) == 3661.5
