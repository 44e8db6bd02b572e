"""Values of SCORM Cloud's reports; parsing never raises for unknown or malformed input."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

E = TypeVar("E", bound=StrEnum)
Result = tuple["Completion", "Success", float | None]  # the score of 100


class Completion(StrEnum):
    """registrationCompletion; UNKNOWN is also the value before the first launch."""

    COMPLETED = "COMPLETED"
    INCOMPLETE = "INCOMPLETE"
    UNKNOWN = "UNKNOWN"

    @classmethod
    def _missing_(cls, value: object) -> "Completion":
        return cls.UNKNOWN

    @property
    def label(self) -> str:
        """The value within a sentence for staff; "" when unknown."""
        return {"COMPLETED": "completed", "INCOMPLETE": "not completed"}.get(self, "")


class Success(StrEnum):
    """registrationSuccess."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"

    @classmethod
    def _missing_(cls, value: object) -> "Success":
        return cls.UNKNOWN

    @property
    def label(self) -> str:
        """The value within a sentence for staff; "" when unknown."""
        return {"PASSED": "passed", "FAILED": "failed"}.get(self, "")


@dataclass(frozen=True)
class CourseOutcome:
    """Completion, success and score (of 100) of an attempt, on which its grade depends."""

    completion: Completion
    success: Success
    score: float | None

    @property
    def is_real(self) -> bool:
        """True for a score of a completed or passed course, which counts as the result.

        Before that it is a running score, or a provisional one when the course says failed.
        """
        judged = self.completion == Completion.COMPLETED or self.success == Success.PASSED
        return self.score is not None and judged

    @property
    def is_outcome(self) -> bool:
        """True for a state that may decide a grade as long as there is no real score."""
        judged = self.completion == Completion.COMPLETED or self.success == Success.PASSED
        return judged or self.is_provisional

    @property
    def is_provisional(self) -> bool:
        """True for a failed score of a course that is not completed: it may still change."""
        unfinished = self.completion != Completion.COMPLETED
        return unfinished and self.success == Success.FAILED and self.score is not None


@dataclass(frozen=True)
class Progress:
    """The state of a registration's newest instance.

    `score_scaled` is 0 to 100, clamped and rounded to 4 decimals, or None when no score was
    reported (SCORM Cloud then omits it; 0 is a score). `completed_at` is when the course was first
    completed, `updated_at` when this report changed, by SCORM Cloud's clock.
    """

    completion: Completion = Completion.UNKNOWN
    success: Success = Success.UNKNOWN
    score_scaled: float | None = None
    seconds: float = 0.0
    completed_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def outcome(self) -> CourseOutcome:
        """`result` as a CourseOutcome."""
        return CourseOutcome(*self.result)

    @property
    def result(self) -> Result:
        """The fields whose change is news; time and dates are not."""
        return self.completion, self.success, self.score_scaled


@dataclass(frozen=True)
class LaunchHistoryEntry:
    """One player session of the launch history."""

    launched_at: datetime | None
    exited_at: datetime | None
    completion: Completion
    success: Success
    score_scaled: float | None


@dataclass(frozen=True)
class RegistrationPage:
    """One page of changed registrations, and the server's time of the reply."""

    items: list[tuple[str, Progress]]
    server_time: datetime | None


def parse_progress(payload: Mapping[str, Any]) -> Progress:
    """Parse a RegistrationSchema (GET, list entry or postback body)."""
    return Progress(
        completion=_enum(Completion, payload.get("registrationCompletion")),
        success=_enum(Success, payload.get("registrationSuccess")),
        score_scaled=parse_score(payload.get("score")),
        seconds=_number(payload.get("totalSecondsTracked")) or 0.0,
        completed_at=parse_moment(payload.get("completedDate")),
        updated_at=parse_moment(payload.get("updated")),
    )


def parse_launch_history(payload: Mapping[str, Any]) -> list[LaunchHistoryEntry]:
    """Parse a LaunchHistoryListSchema; entries without a launch time are kept."""
    entries = payload.get("launchHistory")
    return [
        LaunchHistoryEntry(
            launched_at=parse_moment(entry.get("launchTime")),
            exited_at=parse_moment(entry.get("exitTime")),
            completion=_enum(Completion, entry.get("completionStatus")),
            success=_enum(Success, entry.get("successStatus")),
            score_scaled=parse_score(entry.get("score")),
        )
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, Mapping)
    ]


def parse_score(value: Any) -> float | None:
    """Parse a ScoreSchema: `scaled` is 0 to 100, an int or a float with rounding errors."""
    scaled = _number(value.get("scaled")) if isinstance(value, Mapping) else None
    return None if scaled is None else round(min(100.0, max(0.0, scaled)), 4)


def parse_moment(value: Any) -> datetime | None:
    """Parse an ISO 8601 time with or without fractions; without a zone it is UTC."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _enum(kind: type[E], value: Any) -> E:
    return kind(value.strip().upper() if isinstance(value, str) else "")


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
