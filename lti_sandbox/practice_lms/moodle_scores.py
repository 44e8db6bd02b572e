"""Moodle's handling of a posted score, as measured on 4.5.6: whole seconds, 409, the wipe."""

from typing import Any

from lti_sandbox.practice_lms.scores import Answer, parse_moment, parse_number
from lti_sandbox.practice_lms.state import Cell, LineItem, LmsState

LONGEST_REASON = 300


class MoodleRules:
    """Moodle 4.5, as measured: whole seconds, 409, the wipe, `[]` with 200."""

    def __init__(self, state: LmsState) -> None:
        self._state = state

    def take(self, item: LineItem, score: dict[str, Any], raw: str, now: float) -> Answer:
        """Store one score or refuse it."""
        user = str(score.get("userId", ""))
        moment = parse_moment(score.get("timestamp"))
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
        if not self._state.is_student(self._state.person_by_sub(user)):
            return False
        if moment is None or not score.get("activityProgress") or not score.get("gradingProgress"):
            return False
        if "scoreGiven" not in score:
            return True
        given, maximum = parse_number(score["scoreGiven"]), parse_number(score.get("scoreMaximum"))
        return given is not None and bool(maximum)

    def _store(self, item: LineItem, cell: Cell, score: dict[str, Any], moment: float) -> None:
        if score.get("gradingProgress") != "FullyGraded" or "scoreGiven" not in score:
            self._erase(item, cell, moment)
            return
        given, maximum = parse_number(score["scoreGiven"]), parse_number(score["scoreMaximum"])
        assert given is not None and maximum
        cell.stored_at, cell.raw_maximum = moment, item.maximum
        cell.raw = round(min(1.0, max(0.0, given / maximum)) * item.maximum, 5)
        if cell.overridden:
            # Value and comment stay the teacher's; ours is kept below them.
            self._state.note(cell, "tool", cell.score, "A score arrived; the teacher's stays.")
            return
        cell.comment = str(score.get("comment", ""))
        cell.score = None if item.keeps_no_grade else cell.raw
        text = "A score arrived; the column keeps no grades." if item.keeps_no_grade else ""
        self._state.note(cell, "tool", cell.score, text or "A score arrived.")

    def _erase(self, item: LineItem, cell: Cell, moment: float) -> None:
        cell.raw = None
        cell.stored_at = moment if item.by_tool else None
        if cell.overridden:
            self._state.note(cell, "tool", cell.score, "A score was erased; the teacher's stays.")
            return
        cell.score, cell.comment = None, ""
        self._state.note(cell, "tool", None, "The grade was erased.")
