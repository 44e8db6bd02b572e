"""What a learner did, in words."""

import pytest

from lti_bridge.passback.result_words import attempts_words, minutes_of, result_word, result_words
from lti_bridge.scorm_cloud.progress import Completion, Success


@pytest.mark.parametrize(
    ("numbers", "allowed", "words"),
    [
        ([1], 1, "1 of 1 attempt used"),
        ([1], 2, "1 of 2 attempts used"),
        ([1, 2], 2, "2 of 2 attempts used"),
        ([], 2, "0 of 2 attempts used"),
        ([1], 0, "1 attempt used, no limit"),
        ([1, 2, 3], 0, "3 attempts used, no limit"),
    ],
    ids=[
        "the only one",
        "one of 2",
        "both of 2",
        "none of 2",
        "one without a limit",
        "3 without a limit",
    ],
)
def test_attempts_are_counted(numbers: list[int], allowed: int, words: str) -> None:
    assert attempts_words(numbers, allowed) == words


@pytest.mark.parametrize(
    ("result", "words", "word"),
    [
        ((Completion.COMPLETED, Success.PASSED), "completed, passed", "passed"),
        ((Completion.INCOMPLETE, Success.FAILED), "not completed, failed", "failed"),
        (
            (Completion.COMPLETED, Success.UNKNOWN),
            "completed, neither passed nor failed",
            "completed",
        ),
        ((Completion.UNKNOWN, Success.PASSED), "completion not reported, passed", "passed"),
        ((Completion.UNKNOWN, Success.UNKNOWN), "no result yet", ""),
    ],
    ids=["passed", "failed", "completed", "passed with unknown completion", "nothing known"],
)
def test_result_is_said_in_words(result: tuple[Completion, Success], words: str, word: str) -> None:
    assert (result_words(*result), result_word(*result)) == (words, word)


@pytest.mark.parametrize(
    ("seconds", "minutes"),
    [(0, 0), (1, 1), (60, 1), (60.5, 2), (300, 5)],
    ids=["no time", "1 s", "a whole minute", "a minute begun", "5 whole minutes"],
)
def test_begun_minutes_count(seconds: float, minutes: int) -> None:
    assert minutes_of(seconds) == minutes
