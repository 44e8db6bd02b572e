"""Words and numbers for learners' results, shared by all pages and files for staff."""

from collections.abc import Sequence

from ..core.plain_text import counted
from ..scorm_cloud.progress import Completion, Success


def result_words(completion: Completion, success: Success) -> str:
    """Return completion and success as words."""
    told, judged = completion.label, success.label
    if not told and not judged:
        return "no result yet"
    return f"{told or 'completion not reported'}, {judged or 'neither passed nor failed'}"


def result_word(completion: Completion, success: Success) -> str:
    """Return success or completion in one word, for a table; "" when neither is known."""
    return success.label or completion.label


def attempts_words(numbers: Sequence[int], allowed: int) -> str:
    """Return how many attempts were used, as words; `allowed` 0 is no limit."""
    used = max(numbers, default=0)
    if not allowed:
        return f"{counted(used, 'attempt')} used, no limit"
    return f"{used} of {counted(allowed, 'attempt')} used"


def minutes_of(seconds: float) -> int:
    """Return time spent as whole minutes, rounded up."""
    return -int(-seconds // 60)
