"""The outcome that an attempt keeps when it is opened again: over a Registration's row, and SQL."""

from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_

from ..scorm_cloud.progress import Completion, CourseOutcome, Success
from .models import Registration

# The same rules as scorm_cloud.progress.CourseOutcome has, over rows as they are before an UPDATE.
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
    """Return how an attempt ended, by its Registration's columns: now, or before it was opened
    again; None when it never did."""
    now = CourseOutcome(row.completion, row.success, row.score_scaled)
    if now.completion == Completion.COMPLETED or now.success != Success.UNKNOWN:
        return now
    if row.kept_completion is None:
        return None
    return CourseOutcome(row.kept_completion, row.kept_success, row.kept_score)


def keep_at_launch() -> dict[str, Any]:
    """Return what an UPDATE sets when a session begins: what the one before it ended with.

    A real score is never replaced by something that only stands in for one.
    """
    return _keep_when(or_(_REAL, and_(_OUTCOME, func.coalesce(_KEEPS_REAL, False).is_(False))))


def keep_real_score() -> dict[str, Any]:
    """Return what an UPDATE sets when a report without a real score takes the place of one."""
    return _keep_when(_REAL)


def _keep_when(condition: ColumnElement[bool]) -> dict[str, Any]:
    pairs = {
        "kept_completion": (Registration.completion, Registration.kept_completion),
        "kept_success": (Registration.success, Registration.kept_success),
        "kept_score": (Registration.score_scaled, Registration.kept_score),
    }
    return {name: case((condition, current), else_=kept) for name, (current, kept) in pairs.items()}
