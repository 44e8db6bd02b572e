"""Common parts of both LMSs' score rules: the answer, times and numbers."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

ISO_8601 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?")


@dataclass(frozen=True)
class Answer:
    """Status and body of the reply; `reason` is the HTTP reason phrase where it matters."""

    status: int
    body: Any = ""
    reason: str = ""


def parse_moment(text: Any) -> float | None:
    """Return the seconds since 1970 of an ISO 8601 time, None for anything else."""
    if not isinstance(text, str) or not ISO_8601.fullmatch(text):
        return None
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def parse_number(value: Any) -> float | None:
    """Return a number that a gradebook can hold, None for anything else."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if number == number and abs(number) < 1e12 else None
