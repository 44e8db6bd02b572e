"""What one learner was promised: each grade arrives, right, is never lowered, repeats are equal."""

import itertools
import json
from collections.abc import Sequence

FULL_MARKS = 100.0
LOST, WRONG, LOWERED, ODD_REPEAT = "lost", "wrong", "lowered", "odd repeat"


def expected_grade(scores: Sequence[float | None]) -> float | None:
    """Return the grade that sessions give: the best score; full marks while none had a score."""
    real = [score for score in scores if score is not None]
    return max(real) if real else FULL_MARKS if scores else None


def score_given(body: str) -> float:
    """Return the score of a posted body."""
    return float(json.loads(body)["scoreGiven"])


def broken_promises(
    scores: Sequence[float | None],
    taken: Sequence[str],
    shown: float | None,
    refused: Sequence[str] = (),
) -> list[str]:
    """Compare the scores of a learner's sessions, in order, with what the LMS took and shows.

    `taken` and `refused` are the bodies of posted scores. An LMS may refuse what it has.
    """
    given = [score_given(body) for body in taken]
    everything = {*taken, *refused}
    problems = {
        LOST: shown != expected_grade(scores),
        WRONG: not _are_right(scores, given),
        LOWERED: _went_down(scores, given),
        ODD_REPEAT: len(everything) != len({score_given(body) for body in everything}),
    }
    return [name for name, broken in problems.items() if broken]


def _are_right(scores: Sequence[float | None], given: list[float]) -> bool:
    """Every grade was the best of the sessions up to some moment.

    Full marks without a score come before every real score.
    """
    real = [score for score in scores if score is not None]
    bests = {max(real[:count]) for count in range(1, len(real) + 1)}
    if None in scores:
        given = list(itertools.dropwhile(lambda score: score == FULL_MARKS, given))
    return bests.issuperset(given)


def _went_down(scores: Sequence[float | None], given: list[float]) -> bool:
    """A grade went down, other than from inferred full marks to a real score."""
    inferred = FULL_MARKS if None in scores else None
    return any(after < before != inferred for before, after in zip(given, given[1:], strict=False))
