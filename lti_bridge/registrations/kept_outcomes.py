"""The outcome that an attempt keeps when it is opened again: as a value, and as SQL."""

from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_

from ..scorm_cloud.progress import Completion, CourseOutcome, Success
from .models import Registration

# The rules of scorm_cloud.progress.CourseOutcome as SQL, over the row before an UPDATE.
_REAL = and_(
    Registration.score_scaled.is_not(None),
    or_(Registration.completion == Completion.COMPLETED, Registration.success == Success.PASSED),
)
_OUTCOME = or_(
    Registration.completion == Completion.COMPLETED,
    Registration.success == Success.PASSED,
    and_(Registration.success == Success.FAILED, Registration.score_scaled.is_not(None)),
)
_KEEPS_REAL = and_(
    Registration.kept_score.is_not(None),
    or_(
        Registration.kept_completion == Completion.COMPLETED,
        Registration.kept_success == Success.PASSED,
    ),
)


def newest_outcome(row: Any) -> CourseOutcome | None:
    """Return an attempt's outcome from its Registration's columns: the current one, or the one
    before it was opened again; None without either."""
    now = CourseOutcome(row.completion, row.success, row.score_scaled)
    if now.completion == Completion.COMPLETED or now.success != Success.UNKNOWN:
        return now
    if row.kept_completion is None:
        return None
    return CourseOutcome(row.kept_completion, row.kept_success, row.kept_score)


def keep_at_launch() -> dict[str, Any]:
    """Return the columns of an UPDATE that keeps the outcome when a session begins.

    A kept real score is not replaced by an outcome without a real score.
    """
    return _keep_when(or_(_REAL, and_(_OUTCOME, func.coalesce(_KEEPS_REAL, False).is_(False))))


def keep_real_score() -> dict[str, Any]:
    """Return the columns of an UPDATE that keeps a real score that a report replaces."""
    return _keep_when(_REAL)


def _keep_when(condition: ColumnElement[bool]) -> dict[str, Any]:
    pairs = {
        "kept_completion": (Registration.completion, Registration.kept_completion),
        "kept_success": (Registration.success, Registration.kept_success),
        "kept_score": (Registration.score_scaled, Registration.kept_score),
    }
    return {name: case((condition, current), else_=kept) for name, (current, kept) in pairs.items()}
