"""The one score message that is ever sent, as bytes."""

import json
import math
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pylti1p3.grade import Grade

CANVAS_SUBMISSION = "https://canvas.instructure.com/lti/submission"
SCORE_MAXIMUM = 100


def score_body(
    *,
    sub: str,
    score_given: float | Decimal,
    timestamp: datetime,
    dialect: str,
    new_submission: bool = False,
    submitted_at: datetime | None = None,
    prioritize_non_tool_grade: bool = True,
) -> bytes:
    """Return the compact one-line JSON of a score of `score_given` out of 100.

    Always Completed and FullyGraded: anything else erases grades in Moodle and Canvas. Never a
    comment: Canvas adds one at each repeat. Compact, because Moodle answers 200 to a score that
    it refuses when the body has a line break. `new_submission`, `submitted_at` and
    `prioritize_non_tool_grade` go to Canvas alone. Raises ValueError for a score outside 0 to
    100 and for a time without a zone.
    """
    grade = Grade().set_user_id(sub).set_timestamp(_moment(timestamp))
    grade.set_score_given(_number(score_given)).set_score_maximum(SCORE_MAXIMUM)
    grade.set_activity_progress("Completed").set_grading_progress("FullyGraded")
    body: dict[str, Any] = json.loads(grade.get_value())
    if dialect == "canvas":
        body |= _canvas(new_submission, submitted_at, prioritize_non_tool_grade)
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def _canvas(
    new_submission: bool, submitted_at: datetime | None, prioritize_non_tool_grade: bool
) -> dict[str, Any]:
    extension: dict[str, Any] = {
        "new_submission": new_submission,
        "submission_type": "external_tool",
        "prioritize_non_tool_grade": prioritize_non_tool_grade,
    }
    if submitted_at is None:
        return {CANVAS_SUBMISSION: extension}
    # The same time for every score of an attempt makes no second attempt. Older Canvas reads it
    # in the extension, newer ones in `submission`.
    moment = _moment(submitted_at)
    extension["submitted_at"] = moment
    return {"submission": {"submittedAt": moment}, CANVAS_SUBMISSION: extension}


def _number(value: float | Decimal) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError("a score is a number")
    number = float(value)
    if not math.isfinite(number) or not 0 <= number <= SCORE_MAXIMUM:
        raise ValueError("a score lies between 0 and 100")
    number = round(number, 4)
    return int(number) if number.is_integer() else number


def _moment(value: datetime) -> str:
    """Write RFC 3339 with milliseconds and Z (Moodle reads other zones as the server's own)."""
    if value.tzinfo is None:
        raise ValueError("a time without a time zone cannot be sent")
    text = value.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
