"""What to send, if anything: progress of the attempts + policy + what was decided before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...web.sentences import N_, format_message
from . import reasons

ANSWERS = ("best", "latest", "first", "average")
COMPLETIONS = ("full_marks", "no_grade")
PARTIALS = ("none", "send")
TEACHER_GRADES = ("keep", "replace")
FULL_MARKS, ZERO = 100.0, 0.0


@dataclass(frozen=True)
class GradingPolicy:
    """How a resource link turns attempts into one grade; `scoreMaximum` is always 100.

    `teacher_grade` says what becomes of a grade that a person set in the LMS: it changes nothing
    of what is decided, only whether that is sent.
    """

    answer: str = "best"
    completion: str = "full_marks"
    partial: str = "none"
    teacher_grade: str = "keep"


@dataclass(frozen=True)
class Attempt:
    """One attempt of the current course.

    `score` is the newest score (0 to 100), `best_real` the highest that ever counted as a result.
    `ended` tells that no better result can still come from an open session, or that this attempt
    was already graded by inference; `quiet_until` is when an open session counts as ended.
    """

    number: int
    completion: str
    success: str
    score: float | None
    best_real: float | None = None
    ended: bool = False
    quiet_until: datetime | None = None


@dataclass(frozen=True)
class Decided:
    """The grade's newest decision for this course, in whatever state; or a result in the LMS."""

    score_given: float


@dataclass(frozen=True)
class Send:
    """Send this score of 100; `attempt` made it, `inferred` from completion or success alone."""

    score_given: float
    reason: str
    attempt: int
    inferred: bool = False


@dataclass(frozen=True)
class Wait:
    """Nothing can be said yet; `until` is when an unfinished session counts as ended."""

    reason: str
    until: datetime | None = None


@dataclass(frozen=True)
class Nothing:
    """There is nothing to send, and no more is expected by itself."""

    reason: str


Decision = Send | Wait | Nothing


@dataclass(frozen=True)
class _Value:
    attempt: int
    score: float
    inferred: bool
    reason: str


def make_policy(*layers: Mapping[str, Any] | None) -> GradingPolicy:
    """Merge settings of a policy: later layers win, absent or unknown values do not count."""
    merged: dict[str, str] = {}
    allowed = {
        "answer": ANSWERS,
        "completion": COMPLETIONS,
        "partial": PARTIALS,
        "teacher_grade": TEACHER_GRADES,
    }
    for layer in layers:
        for name, values in allowed.items():
            if layer and layer.get(name) in values:
                merged[name] = layer[name]
    return GradingPolicy(**merged)


def decide(
    attempts: Sequence[Attempt],
    policy: GradingPolicy,
    newest: Decided | None = None,
    found_in_lms: float | None = None,
) -> Decision:
    """Return the one decision for a grade.

    `found_in_lms` is a result of 100 that the LMS held after our database was lost: under `best`
    it counts as a value.
    """
    judged = [(attempt, _judge(attempt, policy)) for attempt in attempts]
    values = [outcome for _, outcome in judged if isinstance(outcome, _Value)]
    waits = [outcome for _, outcome in judged if isinstance(outcome, Wait)]
    answer = _answer(values, policy.answer)
    if answer is not None and policy.answer == "best" and found_in_lms is not None:
        if found_in_lms > answer.score:
            text = N_("The gradebook already holds a higher result.")
            answer = _Value(answer.attempt, found_in_lms, answer.inferred, text)
    if answer is not None and (newest is None or not _same(newest.score_given, answer.score)):
        return Send(round(answer.score, 4), answer.reason, answer.attempt, answer.inferred)
    if waits:
        return next((wait for wait in waits if wait.until is not None), waits[-1])
    if answer is not None:
        return Nothing(N_("The grade was decided before and has not changed."))
    nothings = [outcome for _, outcome in judged if isinstance(outcome, Nothing)]
    return nothings[-1] if nothings else Nothing(N_("Nobody has opened the course yet."))


def worth(attempt: Attempt, policy: GradingPolicy) -> float | None:
    """Return what a reset must keep of an attempt, as its best real score; None: nothing.

    So the decision stays as it was: neither lower, nor higher by an older and better score that
    the policy does not count. A zero that was inferred is not kept: it would hide the next result.
    """
    value = _judge(attempt, policy)
    if not isinstance(value, _Value) or (value.inferred and not value.score):
        return attempt.best_real
    return value.score


def rests_on_result(attempt: Attempt) -> bool:
    """Tell whether an attempt's value rests on a real score, or on passed or failed."""
    return _has_result(attempt) or attempt.success in ("PASSED", "FAILED")


def _same(one: float, other: float) -> bool:
    return round(one, 4) == round(other, 4)


def _has_result(attempt: Attempt) -> bool:
    judged = attempt.completion == "COMPLETED" or attempt.success != "UNKNOWN"
    return attempt.score is not None and judged


def _judge(attempt: Attempt, policy: GradingPolicy) -> _Value | Wait | Nothing:
    """The value of one attempt: its real score if it has one, else an inferred one."""
    real = _real_score(attempt, policy)
    if real is not None:
        return real
    inferred = _infer(attempt, policy)
    if isinstance(inferred, _Value) and not attempt.ended:
        text = N_("The course reports a result without a score; it may still report one.")
        return Wait(text, attempt.quiet_until)
    return inferred


def _real_score(attempt: Attempt, policy: GradingPolicy) -> _Value | None:
    if _has_result(attempt):
        assert attempt.score is not None
        best = max(attempt.score, attempt.best_real or 0.0)
        score = best if policy.answer == "best" else attempt.score
        return _Value(attempt.number, score, False, format_message(reasons.REPORTED, score=score))
    if attempt.best_real is not None:
        text = format_message(reasons.REPORTED_BEFORE, score=attempt.best_real)
        return _Value(attempt.number, attempt.best_real, False, text)
    if attempt.score is not None and policy.partial == "send":
        text = format_message(reasons.SO_FAR, score=attempt.score)
        return _Value(attempt.number, attempt.score, False, text)
    return None


def _infer(attempt: Attempt, policy: GradingPolicy) -> _Value | Wait | Nothing:
    number, completed = attempt.number, attempt.completion == "COMPLETED"
    if attempt.success == "PASSED":
        return _Value(number, FULL_MARKS, True, N_("The course says passed and gives no score."))
    if attempt.success == "FAILED":
        if completed:
            return _Value(number, ZERO, True, N_("The course says failed and gives no score."))
        return Wait(N_("The course says failed, but it is not finished and gives no score."))
    if completed and policy.completion == "full_marks":
        text = N_("The course is completed and has neither a score nor a passing mark.")
        return _Value(number, FULL_MARKS, True, text)
    if completed:
        return Nothing(
            N_("The course is completed without a score; this activity grades scores only.")
        )
    return Wait(N_("The course is not finished yet."))


def _answer(values: list[_Value], answer: str) -> _Value | None:
    if not values:
        return None
    if answer == "latest":
        return max(values, key=lambda value: value.attempt)
    if answer == "first":
        return next((value for value in values if value.attempt == 1), None)
    best = max(values, key=lambda value: (value.score, value.attempt))
    if answer == "best" or len(values) == 1:
        return best
    mean = sum(value.score for value in values) / len(values)
    text = format_message(reasons.AVERAGE, count=len(values), score=mean)
    return _Value(best.attempt, mean, any(value.inferred for value in values), text)
