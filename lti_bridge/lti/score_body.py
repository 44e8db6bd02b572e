"""The AGS score message, as bytes."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from pylti1p3.grade import Grade

SCORE_MAXIMUM = 100


def score_body(
    *,
    sub: str,
    score_given: float | Decimal,
    timestamp: datetime,
    extension: Mapping[str, object] = MappingProxyType({}),
) -> bytes:
    """Return the compact one-line JSON of a score of `score_given` out of 100.

    `extension` are fields that this kind of LMS reads beside those of AGS 2.0. Always Completed and
    FullyGraded: other values erase grades in Moodle and Canvas. Never a comment: Canvas adds one at
    each repeat. On one line, because Moodle answers 200 to a refused score whose body has a line
    break. Raises ValueError for a score outside 0 to 100 and for a time without a zone.
    """
    grade = Grade().set_user_id(sub).set_timestamp(moment_text(timestamp))
    grade.set_score_given(_number(score_given)).set_score_maximum(SCORE_MAXIMUM)
    grade.set_activity_progress("Completed").set_grading_progress("FullyGraded")
    body: dict[str, Any] = json.loads(grade.get_value())
    body |= extension
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def _number(value: float | Decimal) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError("a score is a number")
    number = float(value)
    if not math.isfinite(number) or not 0 <= number <= SCORE_MAXIMUM:
        raise ValueError("a score lies between 0 and 100")
    number = round(number, 4)
    return int(number) if number.is_integer() else number


def moment_text(value: datetime) -> str:
    """Return a time as RFC 3339 with milliseconds and Z; raises ValueError without a zone.

    Moodle reads other zones as the server's own (measured on Moodle 4.5.6).
    """
    if value.tzinfo is None:
        raise ValueError("a time without a time zone cannot be sent")
    text = value.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
