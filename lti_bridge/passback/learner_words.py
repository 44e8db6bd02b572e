"""What a learner did in a course, in the words and numbers of every page and file for staff."""

from collections.abc import Sequence

from ..core.plain_text import counted

COMPLETIONS = {"COMPLETED": "completed", "INCOMPLETE": "not completed"}
SUCCESSES = {"PASSED": "passed", "FAILED": "failed"}


def result_words(completion: str, success: str) -> str:
    """Return what the course reported beside the score, for staff."""
    if completion not in COMPLETIONS and success not in SUCCESSES:
        return "no result yet"
    told = COMPLETIONS.get(completion, "completion not reported")
    return f"{told}, {SUCCESSES.get(success, 'neither passed nor failed')}"


def result_word(completion: str, success: str) -> str:
    """Return the same in one word, for a table; "" while nothing is reported."""
    return SUCCESSES.get(success) or COMPLETIONS.get(completion, "")


def attempts_words(numbers: Sequence[int], allowed: int) -> str:
    """Return how many attempts were used; `allowed` 0 is no limit."""
    used = max(numbers, default=0)
    if not allowed:
        return f"{counted(used, 'attempt')} used, no limit"
    return f"{used} of {counted(allowed, 'attempt')} used"


def minutes_of(seconds: float) -> int:
    """Return time spent as every page and file shows it: whole minutes, begun ones counted."""
    return -int(-seconds // 60)
