"""Decide which score to send, from the attempts, the policy and the newest decision."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ...core.sentences import Sentence
from ...registrations.grading import (
    GradingAnswer,
    GradingPolicy,
    UnfinishedScore,
    UnscoredCompletion,
)
from ...scorm_cloud.progress import Completion, CourseOutcome, Success
from . import reasons

FULL_MARKS, ZERO = 100.0, 0.0


@dataclass(frozen=True)
class Attempt:
    """One attempt at the current course.

    `completion`, `success` and `score` (0 to 100) are the newest report. `kept` is the outcome
    before this report or session, so that a relaunch that is left unfinished changes nothing.
    `best_real` is the highest score that counted as a result. `ended`: no open session can improve
    the result; `quiet_until`: when an open session counts as ended. `guessed` is the score last
    sent for it without a real score, `running` are all running scores sent for it.
    """

    number: int
    completion: Completion
    success: Success
    score: float | None
    best_real: float | None = None
    ended: bool = False
    quiet_until: datetime | None = None
    kept: CourseOutcome | None = None
    guessed: float | None = None
    running: tuple[float, ...] = ()

    @property
    def report(self) -> CourseOutcome:
        """The newest report from SCORM Cloud."""
        return CourseOutcome(self.completion, self.success, self.score)


@dataclass(frozen=True)
class Decided:
    """The newest decision for this course, in any state, or a result found in the LMS."""

    score_given: float


@dataclass(frozen=True)
class Send:
    """Send this score of 100 of `attempt`; `inferred`: from completion or success alone."""

    score_given: float
    reason: str
    attempt: int
    inferred: bool = False


@dataclass(frozen=True)
class Wait:
    """Not decided yet; `until` is when an unfinished session counts as ended."""

    reason: str
    until: datetime | None = None


@dataclass(frozen=True)
class Nothing:
    """Nothing to send, and nothing more is expected."""

    reason: str


Decision = Send | Wait | Nothing


@dataclass(frozen=True)
class _Value:
    attempt: int
    score: float
    inferred: bool
    reason: str


def decide(
    attempts: Sequence[Attempt],
    policy: GradingPolicy,
    newest: Decided | None = None,
    found_in_lms: float | None = None,
) -> Decision:
    """Return the decision about a grade.

    A real score counts at once, an inferred one when its session has ended. `found_in_lms` is a
    result of 100 that the LMS held after our database was lost; under `best` it counts as a value.
    """
    values = [value for one in attempts if (value := _value(one, policy)) is not None]
    answer = _answer(values, policy.answer)
    if answer is not None and policy.answer == GradingAnswer.BEST and found_in_lms is not None:
        if found_in_lms > answer.score:
            text = reasons.HELD_HIGHER
            answer = _Value(answer.attempt, found_in_lms, answer.inferred, text)
    if answer is not None and (newest is None or not _same(newest.score_given, answer.score)):
        return Send(round(answer.score, 4), answer.reason, answer.attempt, answer.inferred)
    open_ends = [_open_end(one, policy) for one in attempts]
    waits = [one for one in open_ends if isinstance(one, Wait)]
    if waits:
        return next((wait for wait in waits if wait.until is not None), waits[-1])
    if answer is not None:
        return Nothing(reasons.UNCHANGED)
    nothings = [one for one in open_ends if isinstance(one, Nothing)]
    return nothings[-1] if nothings else Nothing(reasons.NOT_OPENED)


def kept_by_reset(attempt: Attempt, policy: GradingPolicy) -> CourseOutcome | None:
    """Return the outcome to keep when an attempt's progress is reset, or None.

    It preserves the decision. A zero without a real score is not kept, so that any next result
    counts.
    """
    value = _value(attempt, policy)
    if value is None or (value.inferred and not value.score):
        return attempt.kept
    return CourseOutcome(Completion.COMPLETED, attempt.success, value.score)


def _same(one: float, other: float) -> bool:
    return round(one, 4) == round(other, 4)


def _value(attempt: Attempt, policy: GradingPolicy) -> _Value | None:
    """Return an attempt's value: its real score, or else an inferred, sent or running one."""
    real = _real_score(attempt, policy)
    if real is not None:
        return real
    for outcome, counts in ((attempt.report, attempt.ended), (attempt.kept, True)):
        stand_in = _stand_in(attempt.number, outcome, policy) if outcome is not None else None
        if stand_in is not None and counts:
            return stand_in
    if attempt.guessed is not None and _is_undecided(attempt, policy):
        return _Value(attempt.number, attempt.guessed, True, reasons.NOTHING_NEW)
    return _running_score(attempt, policy)


def _is_undecided(attempt: Attempt, policy: GradingPolicy) -> bool:
    """Tell whether the newest report does not determine the attempt's value."""
    pending = _stand_in(attempt.number, attempt.report, policy) is not None
    finished = attempt.completion == Completion.COMPLETED and not pending
    return policy.answer.is_of_one_attempt and not finished


def _real_score(attempt: Attempt, policy: GradingPolicy) -> _Value | None:
    """Return the newest session's real score; under `best` the highest of all."""
    newest = [one for one in (attempt.report, attempt.kept) if one is not None and one.is_real]
    scores = [one.score for one in newest if one.score is not None]
    if attempt.best_real is not None and (policy.answer == GradingAnswer.BEST or not scores):
        scores.append(attempt.best_real)
    if not scores:
        return None
    score = max(scores) if policy.answer == GradingAnswer.BEST else scores[0]
    reported = attempt.report.is_real and score == attempt.score
    text = (reasons.REPORTED if reported else reasons.REPORTED_BEFORE).fill(score=score)
    if reported and attempt.success == Success.PASSED and score == ZERO:
        text = reasons.PASSED_WITH_ZERO
    return _Value(attempt.number, score, False, text)


def _stand_in(number: int, outcome: CourseOutcome, policy: GradingPolicy) -> _Value | None:
    """Return the value of an outcome without a real score: provisional or inferred."""
    if not outcome.is_outcome:
        return None
    if outcome.score is not None:
        text = reasons.PROVISIONAL.fill(score=outcome.score)
        return _Value(number, outcome.score, True, text)
    if outcome.success == Success.PASSED:
        return _Value(number, FULL_MARKS, True, reasons.PASSED)
    if outcome.success == Success.FAILED:
        return _Value(number, ZERO, True, reasons.FAILED)
    if policy.completion == UnscoredCompletion.NO_GRADE:
        return None
    return _Value(number, FULL_MARKS, True, reasons.COMPLETED)


def _running_score(attempt: Attempt, policy: GradingPolicy) -> _Value | None:
    """Return an unfinished attempt's score, if the policy sends it; `best` never lowers it."""
    if policy.partial == UnfinishedScore.NONE or attempt.completion == Completion.COMPLETED:
        return None
    sent = attempt.running if policy.answer == GradingAnswer.BEST else attempt.running[-1:]
    seen = () if attempt.score is None else (attempt.score,)
    if policy.answer == GradingAnswer.BEST:
        scores: tuple[float, ...] = (*sent, *seen)
    else:
        scores = seen or sent
    if not scores:
        return None
    score = max(scores)
    return _Value(attempt.number, score, False, reasons.SO_FAR.fill(score=score))


def _open_end(attempt: Attempt, policy: GradingPolicy) -> Wait | Nothing | None:
    """Return what an attempt waits for; None when it has a value."""
    pending = _stand_in(attempt.number, attempt.report, policy) is not None
    if pending and not attempt.ended and _real_score(attempt, policy) is None:
        text = reasons.MAY_REPORT if attempt.score is None else reasons.MAY_CHANGE
        return Wait(text, attempt.quiet_until)
    if _value(attempt, policy) is not None:
        return None
    if attempt.completion == Completion.COMPLETED:
        return Nothing(reasons.SCORES_ONLY)
    if attempt.success == Success.FAILED:
        return Wait(reasons.FAILED_UNFINISHED)
    return Wait(reasons.UNFINISHED)


def _answer(values: list[_Value], answer: GradingAnswer) -> _Value | None:
    if not values:
        return None
    best = max(values, key=lambda value: (value.score, value.attempt))
    match answer:
        case GradingAnswer.BEST:
            return best
        case GradingAnswer.LATEST:
            return max(values, key=lambda value: value.attempt)
        case GradingAnswer.FIRST:
            return min(values, key=lambda value: value.attempt)
        case GradingAnswer.AVERAGE:
            mean = sum(value.score for value in values) / len(values)
            return _of_all(values, best, mean, reasons.AVERAGE)


def _of_all(values: list[_Value], best: _Value, score: float, template: Sentence) -> _Value:
    """Return the value of all attempts; that of a single one keeps its own reason."""
    if len(values) == 1:
        return best
    text = template.fill(count=len(values), score=score)
    return _Value(best.attempt, score, any(value.inferred for value in values), text)
