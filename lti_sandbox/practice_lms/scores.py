"""What each LMS does with a posted score: store it, erase a grade, or refuse it in its own way."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lti_sandbox.practice_lms.state import Cell, LineItem, LmsState

CANVAS_EXTENSION = "https://canvas.instructure.com/lti/submission"
ISO_8601 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?")
ACTIVITY = {"Initialized", "Started", "InProgress", "Submitted", "Completed"}
LONGEST_REASON = 300
GRADING = {"FullyGraded", "Pending", "PendingManual", "Failed", "NotReady"}


@dataclass(frozen=True)
class Answer:
    """Status and body of the reply; `reason` is the HTTP reason phrase where it matters."""

    status: int
    body: Any = ""
    reason: str = ""


def _moment(text: Any) -> float | None:
    if not isinstance(text, str) or not ISO_8601.fullmatch(text):
        return None
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _is_past(moment: float | None, now: float) -> bool:
    # Canvas leaves a minute for clocks that run ahead.
    return moment is not None and moment <= now + 60


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if number == number and abs(number) < 1e12 else None


class MoodleRules:
    """Moodle 4.5, as measured: whole seconds, 409, the wipe, `[]` with 200."""

    def __init__(self, state: LmsState) -> None:
        self._state = state

    def take(self, item: LineItem, score: dict[str, Any], raw: str, now: float) -> Answer:
        """Store one score or refuse it."""
        user = str(score.get("userId", ""))
        moment = _moment(score.get("timestamp"))
        if not self._is_valid(score, user, moment):
            # The body goes into the reason phrase; a line break in it makes PHP drop the header,
            # and the refusal arrives as 200.
            if "\n" in raw.strip("\n"):
                return Answer(200, [])
            return Answer(400, [], f"Incorrect score received{raw}"[:LONGEST_REASON])
        assert moment is not None
        if item.locked:
            return Answer(500, [])
        cell = self._state.cell(item.id, user)
        if cell.stored_at is not None and int(moment) <= int(cell.stored_at):
            reason = f"Refusing score with an earlier timestamp for item {item.id} and user {user}"
            return Answer(409, [], reason)
        self._store(item, cell, score, moment)
        return Answer(200, "")

    def _is_valid(self, score: dict[str, Any], user: str, moment: float | None) -> bool:
        person = self._state.person_by_sub(user)
        if person is None or not person.gradable or person.key in self._state.unenrolled:
            return False
        if moment is None or not score.get("activityProgress") or not score.get("gradingProgress"):
            return False
        if "scoreGiven" not in score:
            return True
        return _number(score["scoreGiven"]) is not None and bool(_number(score.get("scoreMaximum")))

    def _store(self, item: LineItem, cell: Cell, score: dict[str, Any], moment: float) -> None:
        if score.get("gradingProgress") != "FullyGraded" or "scoreGiven" not in score:
            cell.score, cell.comment = None, ""
            cell.stored_at = moment if item.by_tool else None
            self._state.note(cell, "tool", None, "The grade was erased.")
            return
        cell.comment = str(score.get("comment", ""))
        cell.stored_at = moment
        if cell.overridden:
            self._state.note(cell, "tool", cell.score, "A score arrived; the teacher's stays.")
            return
        given, maximum = _number(score["scoreGiven"]), _number(score["scoreMaximum"])
        assert given is not None and maximum
        cell.score = round(min(1.0, max(0.0, given / maximum)) * item.maximum, 5)
        self._state.note(cell, "tool", cell.score, "A score arrived.")


class CanvasRules:
    """Canvas: milliseconds, equal is fine, texts instead of codes, attempts counted."""

    def __init__(self, state: LmsState) -> None:
        self._state = state

    def take(self, item: LineItem, score: dict[str, Any], raw: str, now: float) -> Answer:
        """Store one score or refuse it."""
        refused = self._refuse(item, score, now)
        if refused is not None:
            return refused
        cell = self._state.cell(item.id, str(score["userId"]))
        moment = _moment(score["timestamp"])
        assert moment is not None
        if cell.stored_at is not None and cell.stored_at - moment > 0.0005:
            return self._error(
                400,
                f"Provided timestamp of {score['timestamp']} before last updated timestamp of "
                f"{datetime.fromtimestamp(cell.stored_at, UTC).isoformat()}",
            )
        extension = score.get(CANVAS_EXTENSION) or {}
        if not self._count_attempt(cell, score, extension):
            text = "The maximum number of allowed attempts has been reached for this submission"
            return self._error(422, text)
        self._store(item, cell, score, extension, moment)
        return Answer(200, {"resultUrl": f"{item.id}/results/{score['userId']}"})

    def _refuse(self, item: LineItem, score: dict[str, Any], now: float) -> Answer | None:
        if self._state.concluded:
            text = "This course has concluded. AGS requests will no longer be accepted for this "
            return self._error(422, f"{text}course.")
        for name, allowed in (("activityProgress", ACTIVITY), ("gradingProgress", GRADING)):
            if score.get(name) not in allowed:
                return self._error(400, f"{name} is missing or unknown")
        if not score.get("userId") or _moment(score.get("timestamp")) is None:
            return self._error(400, "userId and timestamp are required")
        person = self._state.person_by_sub(str(score["userId"]))
        if person is None or not person.gradable or person.key in self._state.unenrolled:
            return self._error(422, "User not found in course or is not a student")
        submitted = (score.get("submission") or {}).get("submittedAt")
        if submitted is not None and not _is_past(_moment(submitted), now):
            return self._error(400, "submittedAt is invalid or in the future")
        if "scoreGiven" not in score:
            return None
        if _number(score.get("scoreMaximum")) is None:
            return self._error(422, "ScoreMaximum not supplied when ScoreGiven present.")
        if _number(score["scoreGiven"]) is None or float(score["scoreGiven"]) < 0:
            return self._error(400, "scoreGiven must be a number from 0 up")
        return None

    def _error(self, status: int, text: str) -> Answer:
        return Answer(status, {"errors": {"type": "unprocessable_entity", "message": text}})

    def _count_attempt(self, cell: Cell, score: dict[str, Any], extension: dict[str, Any]) -> bool:
        """Count a submission; the same submittedAt is the same attempt."""
        if not extension.get("new_submission", True):
            return True
        submitted = (score.get("submission") or {}).get("submittedAt") or score["timestamp"]
        if submitted in cell.attempts:
            return True
        allowed = self._state.attempts_allowed
        if allowed and len(cell.attempts) >= allowed:
            return False
        cell.attempts.append(submitted)
        return True

    def _store(
        self,
        item: LineItem,
        cell: Cell,
        score: dict[str, Any],
        extension: dict[str, Any],
        moment: float,
    ) -> None:
        cell.stored_at = moment
        if score["gradingProgress"] not in ("FullyGraded", "PendingManual") or (
            "scoreGiven" not in score
        ):
            if not extension.get("preserve_score"):
                cell.score = None
                self._state.note(cell, "tool", None, "The grade was erased.")
            return
        if score.get("comment"):
            cell.comment = f"{cell.comment}\n{score['comment']}".strip()
        if cell.overridden and extension.get("prioritize_non_tool_grade"):
            self._state.note(cell, "tool", cell.score, "A score arrived; the teacher's stays.")
            return
        cell.overridden = False
        maximum = float(score["scoreMaximum"]) or 1.0
        cell.score = round(float(score["scoreGiven"]) / maximum * item.maximum, 5)
        self._state.note(cell, "tool", cell.score, "A score arrived.")
