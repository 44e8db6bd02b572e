"""The decision table, row by row, and how attempts become one grade."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from lti_bridge.passback.rules.grading_policy import (
    Attempt,
    Decided,
    Decision,
    Nothing,
    Send,
    Wait,
    decide,
)
from lti_bridge.registrations.grading import (
    GradingAnswer,
    GradingPolicy,
    TeacherGrade,
    UnfinishedScore,
    UnscoredCompletion,
    make_policy,
)
from lti_bridge.scorm_cloud.progress import CourseOutcome

DEFAULT = GradingPolicy()
NO_GRADE = GradingPolicy(completion=UnscoredCompletion.NO_GRADE)
PARTIAL = GradingPolicy(partial=UnfinishedScore.SEND)
LATER = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


def attempt(
    completion: str = "UNKNOWN",
    success: str = "UNKNOWN",
    score: float | None = None,
    *,
    number: int = 1,
    best: float | None = None,
    ended: bool = True,
    **more: Any,
) -> Attempt:
    until = None if ended else LATER
    return Attempt(number, completion, success, score, best, ended, until, **more)


def outcome(decision: Decision) -> tuple[str, float | None, bool | None]:
    """Return a decision without its sentence."""
    if isinstance(decision, Send):
        return "send", decision.score_given, decision.inferred
    return ("wait" if isinstance(decision, Wait) else "nothing"), None, None


@pytest.mark.parametrize(
    "case, policy, expected",
    [
        (attempt("COMPLETED", "UNKNOWN", 85.5), DEFAULT, ("send", 85.5, False)),
        (attempt("COMPLETED", "PASSED", 85.5), DEFAULT, ("send", 85.5, False)),
        (attempt("COMPLETED", "FAILED", 40), DEFAULT, ("send", 40, False)),
        (attempt("COMPLETED", "FAILED", 0), DEFAULT, ("send", 0, False)),
        (attempt("COMPLETED", "PASSED"), DEFAULT, ("send", 100, True)),
        (attempt("COMPLETED", "FAILED"), DEFAULT, ("send", 0, True)),
        (attempt("COMPLETED"), DEFAULT, ("send", 100, True)),
        (attempt("COMPLETED"), NO_GRADE, ("nothing", None, None)),
        (attempt("COMPLETED", "PASSED"), NO_GRADE, ("send", 100, True)),
        (attempt("INCOMPLETE", "PASSED", 70), DEFAULT, ("send", 70, False)),
        (attempt("UNKNOWN", "PASSED", 70), DEFAULT, ("send", 70, False)),
        (attempt("COMPLETED", "PASSED", 0), DEFAULT, ("send", 0, False)),
        (attempt("UNKNOWN", "FAILED", 20), DEFAULT, ("send", 20, True)),
        (attempt("INCOMPLETE", "FAILED", 20), DEFAULT, ("send", 20, True)),
        (attempt("INCOMPLETE", "FAILED", 20), PARTIAL, ("send", 20, True)),
        (attempt("INCOMPLETE", "PASSED"), DEFAULT, ("send", 100, True)),
        (attempt("UNKNOWN", "PASSED"), DEFAULT, ("send", 100, True)),
        (attempt("INCOMPLETE", "FAILED"), DEFAULT, ("wait", None, None)),
        (attempt("INCOMPLETE", "UNKNOWN", 30), DEFAULT, ("wait", None, None)),
        (attempt("INCOMPLETE", "UNKNOWN", 30), PARTIAL, ("send", 30, False)),
        (attempt("UNKNOWN"), DEFAULT, ("wait", None, None)),
        (attempt("UNKNOWN"), PARTIAL, ("wait", None, None)),
        (attempt("COMPLETED", "UNKNOWN", 33.333333), DEFAULT, ("send", 33.3333, False)),
    ],
    ids=[
        "completed with a score",
        "passed with a score",
        "failed with a score",
        "failed with 0",
        "passed without a score",
        "failed without a score",
        "completed without a score",
        "completed without a score gives no grade",
        "passed without a score gives a grade",
        "passed before the end",
        "passed with unknown completion",
        "passed with 0",
        "failed with unknown completion",
        "failed before the end",
        "failed before the end under partial",
        "passed before the end without a score",
        "passed with nothing else",
        "failed before the end without a score",
        "unfinished with a score",
        "unfinished with a score under partial",
        "nothing known",
        "nothing known under partial",
        "long fraction",
    ],
)
def test_decides_each_row_of_the_table(
    case: Attempt, policy: GradingPolicy, expected: tuple[str, float | None, bool | None]
) -> None:
    assert outcome(decide([case], policy)) == expected


@pytest.mark.parametrize(
    "report",
    [
        ("COMPLETED", "PASSED", None),
        ("COMPLETED", "FAILED", None),
        ("COMPLETED", "UNKNOWN", None),
        ("INCOMPLETE", "PASSED", None),
        ("INCOMPLETE", "FAILED", 80),
    ],
    ids=["passed", "failed", "completed", "passed but incomplete", "failed but incomplete"],
)
def test_what_stands_in_for_a_score_waits_for_the_end(
    report: tuple[str, str, float | None],
) -> None:
    decision = decide([attempt(*report, ended=False)], DEFAULT)

    assert isinstance(decision, Wait)
    assert decision.until == LATER


@pytest.mark.parametrize("answer", ["best", "first", "latest", "average"])
def test_any_later_result_replaces_a_provisional_one(answer: str) -> None:
    policy = GradingPolicy(answer=GradingAnswer(answer))
    first = decide([attempt("INCOMPLETE", "FAILED", 80)], policy)
    lower = attempt("INCOMPLETE", "FAILED", 60, guessed=80.0)
    final = attempt("COMPLETED", "FAILED", 53, guessed=60.0)

    assert outcome(first) == ("send", 80, True)
    assert outcome(decide([lower], policy, Decided(80))) == ("send", 60, True)
    assert outcome(decide([final], policy, Decided(60))) == ("send", 53, False)


REAL = CourseOutcome("COMPLETED", "PASSED", 60.0)
FAILED = CourseOutcome("INCOMPLETE", "FAILED", 40.0)
COMPLETED = CourseOutcome("COMPLETED", "UNKNOWN", None)


@pytest.mark.parametrize("ended", [False, True], ids=["running", "ended"])
@pytest.mark.parametrize("answer", ["latest", "first", "average"])
@pytest.mark.parametrize(
    ("kept", "decided"),
    [(REAL, 60), (FAILED, 40), (COMPLETED, 100)],
    ids=["scored", "failed", "completed"],
)
@pytest.mark.parametrize("score", [None, 10.0], ids=["no score", "lower score"])
def test_attempt_opened_again_and_left_changes_nothing(
    kept: CourseOutcome, decided: float, answer: str, ended: bool, score: float | None
) -> None:
    policy = GradingPolicy(answer=GradingAnswer(answer), partial=UnfinishedScore.SEND)
    again = attempt("INCOMPLETE", "UNKNOWN", score, best=90.0 if kept.is_real else None)
    reopened = replace(again, kept=kept, ended=ended)

    assert isinstance(decide([reopened], policy, Decided(decided)), Nothing)
    alone = decide([reopened], policy)
    assert isinstance(alone, Send) and alone.score_given == decided


def test_open_session_does_not_lower_a_provisional_grade() -> None:
    others = attempt("COMPLETED", "PASSED", 20, number=1)
    open_one = attempt("INCOMPLETE", "FAILED", 10, number=2, ended=False, kept=FAILED)

    during = decide([others, open_one], DEFAULT, Decided(40))
    after = decide([others, replace(open_one, ended=True)], DEFAULT, Decided(40))

    assert isinstance(during, Wait) and during.until == LATER
    assert outcome(after) == ("send", 20, False)


@pytest.mark.parametrize(
    "report",
    [("INCOMPLETE", "UNKNOWN", None), ("COMPLETED", "FAILED", None)],
    ids=["unfinished", "failed"],
)
def test_what_was_sent_without_a_score_stands_until_it_is_sure(
    report: tuple[str, str, float | None],
) -> None:
    """Its session begins anew in the player, which no launch tells."""
    others = attempt("COMPLETED", "PASSED", 20, number=1)
    again = attempt(*report, number=2, ended=False, guessed=100.0)

    assert not isinstance(decide([others, again], DEFAULT, Decided(100)), Send)


@pytest.mark.parametrize(
    ("answer", "score", "expected"),
    [("best", 40, None), ("best", None, None), ("best", 90, 90), ("latest", 40, 40)],
    ids=["lower score", "no score", "higher score", "lower score counts as latest"],
)
def test_running_score_lowers_no_best(
    answer: str, score: float | None, expected: float | None
) -> None:
    policy = GradingPolicy(answer=GradingAnswer(answer), partial=UnfinishedScore.SEND)
    others = attempt("COMPLETED", "PASSED", 20, number=1)
    running = attempt("INCOMPLETE", "UNKNOWN", score, number=2, running=(30.0, 80.0))

    decision = decide([others, running], policy, Decided(80))

    assert outcome(decision)[1] == expected


def test_real_score_replaces_a_running_one() -> None:
    final = attempt("COMPLETED", "FAILED", 53, running=(80.0,))

    assert outcome(decide([final], PARTIAL, Decided(80))) == ("send", 53, False)


def test_zero_of_a_passed_course_is_said_not_to_fit() -> None:
    assert "do not fit" in decide([attempt("COMPLETED", "PASSED", 0)], DEFAULT).reason


def test_real_score_does_not_wait_for_the_end() -> None:
    decision = decide([attempt("COMPLETED", "UNKNOWN", 60, ended=False)], DEFAULT)

    assert outcome(decision) == ("send", 60, False)


@pytest.mark.parametrize("answer", ["best", "first", "latest", "average"])
def test_real_score_replaces_inferred_one(answer: str) -> None:
    case = attempt("COMPLETED", "UNKNOWN", 40)

    decision = decide([case], GradingPolicy(answer=GradingAnswer(answer)), newest=Decided(100.0))

    assert outcome(decision) == ("send", 40, False)


@pytest.mark.parametrize(
    "answer, expected",
    [("best", 90), ("latest", 50), ("first", 70), ("average", 70)],
    ids=["best", "latest", "first", "average"],
)
def test_answers_from_several_attempts(answer: str, expected: float) -> None:
    attempts = [
        attempt("COMPLETED", "PASSED", 70, number=1),
        attempt("COMPLETED", "PASSED", 90, number=2),
        attempt("COMPLETED", "FAILED", 50, number=3),
        attempt("INCOMPLETE", number=4),
    ]

    decision = decide(attempts, GradingPolicy(answer=GradingAnswer(answer)))

    assert outcome(decision) == ("send", expected, False)


def test_first_is_the_first_attempt_with_a_value() -> None:
    attempts = [attempt("INCOMPLETE", number=1), attempt("COMPLETED", "PASSED", 80, number=2)]

    assert outcome(decide(attempts, GradingPolicy(answer=GradingAnswer.FIRST))) == (
        "send",
        80,
        False,
    )


def test_average_names_its_attempts() -> None:
    attempts = [
        attempt("COMPLETED", "PASSED", 70, number=1),
        attempt("COMPLETED", "PASSED", number=2),
    ]

    decision = decide(attempts, GradingPolicy(answer=GradingAnswer.AVERAGE))

    assert outcome(decision) == ("send", 85, True)
    assert "2 attempts" in decision.reason


def test_best_keeps_the_highest_ever_seen() -> None:
    case = attempt("COMPLETED", "PASSED", 55, best=85.5)

    assert outcome(decide([case], DEFAULT)) == ("send", 85.5, False)
    assert outcome(decide([case], GradingPolicy(answer=GradingAnswer.LATEST))) == (
        "send",
        55,
        False,
    )


def test_score_seen_before_a_reset_still_counts() -> None:
    case = attempt("UNKNOWN", "UNKNOWN", None, best=85.5)

    assert outcome(decide([case], DEFAULT)) == ("send", 85.5, False)


@pytest.mark.parametrize(
    "decided, expected",
    [(85.5, "nothing"), (85.50004, "nothing"), (85.4, "send")],
    ids=["the same", "the same rounded", "another score"],
)
def test_sends_only_what_differs(decided: float, expected: str) -> None:
    case = attempt("COMPLETED", "PASSED", 85.5)

    assert outcome(decide([case], DEFAULT, newest=Decided(decided)))[0] == expected


def test_pending_inference_waits_beside_an_unchanged_grade() -> None:
    attempts = [
        attempt("COMPLETED", "PASSED", 70, number=1),
        attempt("COMPLETED", number=2, ended=False),
    ]

    decision = decide(attempts, DEFAULT, newest=Decided(70.0))

    assert isinstance(decision, Wait)
    assert decision.until == LATER


def test_result_found_in_lms_counts_under_best() -> None:
    case = attempt("COMPLETED", "PASSED", 55)
    found = Decided(90.0)

    assert isinstance(decide([case], DEFAULT, found, found_in_lms=90.0), Nothing)
    latest = decide([case], GradingPolicy(answer=GradingAnswer.LATEST), found, found_in_lms=90.0)
    assert outcome(latest) == ("send", 55, False)


def test_higher_score_beats_result_found_in_lms() -> None:
    case = attempt("COMPLETED", "PASSED", 95)

    decision = decide([case], DEFAULT, Decided(90.0), found_in_lms=90.0)

    assert outcome(decision) == ("send", 95, False)


def test_lost_newest_decision_is_found_again() -> None:
    decision = decide([attempt("COMPLETED", "PASSED", 55)], DEFAULT, None, found_in_lms=90.0)

    assert outcome(decision) == ("send", 90, False)


def test_nothing_without_attempts() -> None:
    assert isinstance(decide([], DEFAULT), Nothing)


def test_every_reason_is_a_sentence() -> None:
    completions, successes = ("COMPLETED", "INCOMPLETE", "UNKNOWN"), ("PASSED", "FAILED", "UNKNOWN")
    for completion in completions:
        for success in successes:
            for score in (None, 50.0):
                reason = decide([attempt(completion, success, score)], DEFAULT).reason
                assert reason[0].isupper() and reason.endswith(".")


def test_later_layers_of_a_policy_win() -> None:
    policy = make_policy({"answer": "latest", "partial": "send"}, {"answer": "first", "x": 1}, None)

    assert policy == GradingPolicy(answer=GradingAnswer.FIRST, partial=UnfinishedScore.SEND)


@pytest.mark.parametrize(
    "layers, expected",
    [
        ([], "keep"),
        ([{"teacher_grade": "replace"}], "replace"),
        ([{"teacher_grade": "replace"}, {"answer": "first"}, None], "replace"),
        ([{"teacher_grade": "replace"}, {"teacher_grade": "keep"}], "keep"),
        ([{"teacher_grade": "keep"}, {"teacher_grade": "replace"}, {}], "replace"),
        ([{"teacher_grade": "replace"}, {"teacher_grade": "ask"}], "replace"),
    ],
    ids=[
        "no layer",
        "one layer",
        "silent layers below",
        "last layer keeps",
        "last layer replaces",
        "unknown answer",
    ],
)
def test_a_teacher_s_grade_stays_unless_a_layer_says_otherwise(
    layers: list[dict[str, str] | None], expected: str
) -> None:
    assert make_policy(*layers).teacher_grade == expected


def test_a_teacher_s_grade_changes_no_decision() -> None:
    case = [attempt("COMPLETED", "PASSED", 70)]

    kept, replaced = (
        decide(case, GradingPolicy(teacher_grade=TeacherGrade(one))) for one in list(TeacherGrade)
    )

    assert kept == replaced


def test_unknown_policy_values_do_not_count() -> None:
    assert make_policy({"answer": "median", "completion": None}) == GradingPolicy()
