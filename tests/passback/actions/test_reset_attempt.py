"""A reset keeps what the attempt is worth, so that no policy lowers or raises the grade by it."""

import pytest

from lti_bridge.passback.rules.grading_policy import Attempt, Decided, Send, decide, kept_by_reset
from lti_bridge.registrations.grading import GradingAnswer, GradingPolicy, UnfinishedScore

RESULTS = {
    "passed": ("COMPLETED", "PASSED", 60.0, 80.0),
    "passed without a score": ("COMPLETED", "PASSED", None, None),
    "failed without a score": ("COMPLETED", "FAILED", None, None),
    "unfinished": ("INCOMPLETE", "UNKNOWN", 30.0, None),
    "unfinished after a better score": ("INCOMPLETE", "UNKNOWN", None, 80.0),
    "completed without a score": ("COMPLETED", "UNKNOWN", None, None),
}


@pytest.mark.parametrize("partial", ["none", "send"])
@pytest.mark.parametrize("answer", ["best", "latest", "first", "average"])
@pytest.mark.parametrize("result", RESULTS.values(), ids=RESULTS.keys())
def test_reset_sends_nothing(
    result: tuple[str, str, float | None, float | None], answer: str, partial: str
) -> None:
    policy = GradingPolicy(answer=GradingAnswer(answer), partial=UnfinishedScore(partial))
    completion, success, score, best = result
    attempt = Attempt(1, completion, success, score, best, ended=True)
    before = decide([attempt], policy)
    decided = Decided(before.score_given) if isinstance(before, Send) else None

    kept = kept_by_reset(attempt, policy)
    wiped = Attempt(1, "UNKNOWN", "UNKNOWN", None, best, ended=True, kept=kept)

    assert not isinstance(decide([wiped], policy, decided), Send)


@pytest.mark.parametrize("answer", ["best", "latest", "average"])
def test_reset_beside_another_attempt_sends_nothing(answer: str) -> None:
    policy = GradingPolicy(answer=GradingAnswer(answer))
    passed = Attempt(1, "COMPLETED", "PASSED", None, ended=True)
    other = Attempt(2, "COMPLETED", "PASSED", 40.0, 40.0, ended=True)
    before = decide([passed, other], policy)
    assert isinstance(before, Send)

    kept = kept_by_reset(passed, policy)
    wiped = Attempt(1, "UNKNOWN", "UNKNOWN", None, ended=True, kept=kept)

    after = decide([wiped, other], policy, Decided(before.score_given))
    assert not isinstance(after, Send)


def test_next_result_counts_after_a_reset() -> None:
    policy = GradingPolicy(answer=GradingAnswer.LATEST)
    failed = Attempt(1, "COMPLETED", "FAILED", None, ended=True)

    kept = kept_by_reset(failed, policy)
    again = Attempt(1, "COMPLETED", "PASSED", None, ended=True, kept=kept)

    decision = decide([again], policy, Decided(0))
    assert isinstance(decision, Send)
    assert decision.score_given == 100
