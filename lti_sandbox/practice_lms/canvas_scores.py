"""Canvas's handling of a posted score: checks, attempts, the grade and the result.

The order and the texts are those of
https://github.com/instructure/canvas-lms/blob/master/app/controllers/lti/ims/scores_controller.rb
"""

from datetime import UTC, datetime
from typing import Any

from lti_sandbox.practice_lms.scores import Answer, parse_moment, parse_number
from lti_sandbox.practice_lms.state import Cell, LineItem, LmsState, Person, ResultRow

CANVAS_EXTENSION = "https://canvas.instructure.com/lti/submission"
ACTIVITY = ("Initialized", "Started", "InProgress", "Submitted", "Completed")
GRADING = ("FullyGraded", "Pending", "PendingManual", "Failed", "NotReady")
GRADED = ("FullyGraded", "PendingManual")
NEEDED = ("userId", "activityProgress", "gradingProgress", "timestamp")
KEPT = ("new_submission", "submission_type", "submission_data", "submitted_at", "content_items")
KEPT_NEWER = ("preserve_score", "prioritize_non_tool_grade")
AHEAD_SECONDS = 60
TYPES = {400: "bad_request", 422: "unprocessable_entity"}
NO_STUDENT = "User not found in course or is not a student"
NO_ATTEMPT_LEFT = "The maximum number of allowed attempts has been reached for this submission"
NO_MAXIMUM = "ScoreMaximum not supplied when ScoreGiven present."
ZERO_MAXIMUM = "cannot be zero if line item's maximum is not zero"
# https://github.com/instructure/canvas-lms/blob/master/app/models/submission.rb
GRADE_REFUSALS = {
    "closed_period": "This assignment is in a closed grading period for this student",
    "unpublished": "This assignment is still unpublished",
    "not_assigned": "This assignment is not applicable to this student",
}


def find_student(state: LmsState, named: Any) -> Person | None:
    """Return the learner whom a tool names, by `sub` or by the numeric id."""
    text = str(named)
    found = state.person_by_sub(text) or next(
        (person for person in state.people.values() if text and person.number == text), None
    )
    return found if state.is_student(found) else None


class CanvasRules:
    """Canvas: milliseconds, equal is fine, texts instead of codes, attempts counted."""

    def __init__(self, state: LmsState, url: str) -> None:
        self._state, self._url = state, url

    def take(self, item: LineItem, score: dict[str, Any], raw: str, now: float) -> Answer:
        """Store one score or refuse it."""
        person = find_student(self._state, score.get("userId", ""))
        if person is None:
            return _error(422, NO_STUDENT)
        cell = self._state.cell(item.id, person.sub)
        refused = self._refuse(item, cell, score, now)
        if refused is not None:
            return refused
        if self._is_column(item) and self._is_new(score):
            # Before the grade and outside its transaction: it stays when the grade is refused.
            self._submit(cell, score, now)
        refused = self._grade(item, cell, score) if self._is_column(item) else None
        if refused is not None:
            return refused
        self._keep_result(cell, score)
        return Answer(200, {"resultUrl": f"{self._url}/results/{person.sub}"})

    def _refuse(
        self, item: LineItem, cell: Cell, score: dict[str, Any], now: float
    ) -> Answer | None:
        """Check in Canvas's order what follows line item and user; attempts come last."""
        for name in NEEDED:
            if not score.get(name):
                return _error(400, f"param is missing or the value is empty: {name}")
        for name, allowed in (("activityProgress", ACTIVITY), ("gradingProgress", GRADING)):
            if score[name] not in allowed:
                return _error(400, f"{name} is not included in the list")
        return (
            self._refuse_timestamp(cell, score)
            or self._refuse_numbers(item, score)
            or self._refuse_submission(cell, score, now)
        )

    def _refuse_timestamp(self, cell: Cell, score: dict[str, Any]) -> Answer | None:
        moment = parse_moment(score["timestamp"])
        told = f"Provided timestamp of {score['timestamp']}"
        if moment is None:
            return _error(400, f"{told} not a valid timestamp")
        if cell.stored_at is not None and cell.stored_at - moment > 0.0005:
            stored = datetime.fromtimestamp(cell.stored_at, UTC).isoformat(timespec="milliseconds")
            stored = stored.replace("+00:00", "Z")
            return _error(400, f"{told} before last updated timestamp of {stored}")
        return None

    def _refuse_numbers(self, item: LineItem, score: dict[str, Any]) -> Answer | None:
        if _resets(score):
            return None
        if "scoreMaximum" not in score:
            return _error(422, NO_MAXIMUM)
        maximum, given = parse_number(score["scoreMaximum"]), parse_number(score["scoreGiven"])
        if maximum is None or given is None:
            return _error(400, "is not a number")
        if maximum < 0:
            return _error(422, "ScoreMaximum must be greater than or equal to 0")
        if maximum == 0 and item.maximum:
            return _error(422, ZERO_MAXIMUM)
        if given < 0:
            return _error(422, "ScoreGiven must be greater than or equal to 0")
        return None

    def _refuse_submission(self, cell: Cell, score: dict[str, Any], now: float) -> Answer | None:
        submitted = self._submitted_at(score)
        if submitted is not None:
            moment = parse_moment(submitted)
            told = f"Provided submitted_at timestamp of {submitted}"
            if moment is None:
                return _error(400, f"{told} not a valid timestamp")
            if moment > now + AHEAD_SECONDS:
                return _error(400, f"{told} in the future")
        extension = _extension(score)
        if extension.get("submission_type") == "online_upload" and not extension.get(
            "content_items"
        ):
            text = "Content items must be provided with submission type 'online_upload'"
            return _error(422, text)
        allowed = self._state.attempts_allowed
        # Canvas does not check whether this submission exists.
        if self._is_new(score) and allowed and len(cell.attempts) >= allowed:
            return _error(422, NO_ATTEMPT_LEFT)
        return None

    def _is_column(self, item: LineItem) -> bool:
        """Only an assignment's first line item is its column in the gradebook."""
        activity = self._state.activities.get(item.activity_id or "")
        return activity is None or self._state.items_of(activity)[0] is item

    def _is_new(self, score: dict[str, Any]) -> bool:
        extension = _extension(score)
        wanted = extension.get("new_submission")
        return (wanted is None or bool(wanted)) and extension.get("submission_type") != "none"

    def _submitted_at(self, score: dict[str, Any]) -> Any:
        in_extension = _extension(score).get("submitted_at")
        if self._state.older_canvas:
            return in_extension
        submission = score.get("submission")
        given = submission.get("submittedAt") if isinstance(submission, dict) else None
        return given or score.get("submittedAt") or in_extension

    def _submit(self, cell: Cell, score: dict[str, Any], now: float) -> None:
        """Submit an attempt, unless its time is that of the last one."""
        submitted = self._submitted_at(score)
        if submitted is None:
            submitted = datetime.fromtimestamp(now, UTC).isoformat()
        if cell.attempts and parse_moment(cell.attempts[-1]) == parse_moment(submitted):
            return
        cell.attempts.append(submitted)

    def _grade(self, item: LineItem, cell: Cell, score: dict[str, Any]) -> Answer | None:
        """Change the grade, leave it, or return why it cannot be changed."""
        extension = {} if self._state.older_canvas else _extension(score)
        if extension.get("preserve_score"):
            self._state.note(cell, "tool", cell.score, "A score arrived; the grade was preserved.")
            return None
        if _resets(score):
            return self._erase(cell)
        if extension.get("prioritize_non_tool_grade") and cell.score is not None:
            self._state.note(cell, "tool", cell.score, "A score arrived; the one here stays.")
            return None
        given, maximum = float(score["scoreGiven"]), float(score["scoreMaximum"])
        wanted = round(given / maximum * item.maximum if maximum else given, 5)
        refused = self._cannot_change(cell, wanted)
        if refused is not None:
            return refused
        cell.score, cell.overridden, cell.by_person, cell.excused = wanted, False, False, False
        self._state.note(cell, "tool", cell.score, "A score arrived.")
        return None

    def _erase(self, cell: Cell) -> Answer | None:
        refused = self._cannot_change(cell, None)
        if refused is None:
            cell.score = None
            self._state.note(cell, "tool", None, "The grade was erased.")
        return refused

    def _cannot_change(self, cell: Cell, wanted: float | None) -> Answer | None:
        """Only a grade that would change is refused."""
        why = self._state.grade_refusal
        if not why or cell.score == wanted:
            return None
        text = f"cannot be changed at this time: {GRADE_REFUSALS[why]}"
        return Answer(422, {"errors": [{"field": "grade", "message": text}]})

    def _keep_result(self, cell: Cell, score: dict[str, Any]) -> None:
        """Store the sent score in the result, also when the grade was refused."""
        cell.stored_at = parse_moment(score["timestamp"])
        names = KEPT if self._state.older_canvas else KEPT + KEPT_NEWER
        sent = _extension(score)
        extension = {name: sent[name] for name in names if name in sent} or None
        given, maximum = parse_number(score.get("scoreGiven")), score.get("scoreMaximum")
        said, before = str(score.get("comment") or ""), cell.row.comment if cell.row else ""
        # Each post adds a comment to the gradebook, repeats too; the result has the last one.
        cell.comment = f"{cell.comment}\n{said}".strip()
        cell.row = ResultRow(given, parse_number(maximum), extension, said or before)


def _extension(score: dict[str, Any]) -> dict[str, Any]:
    found = score.get(CANVAS_EXTENSION)
    return found if isinstance(found, dict) else {}


def _resets(score: dict[str, Any]) -> bool:
    return score["gradingProgress"] not in GRADED or score.get("scoreGiven") is None


def _error(status: int, text: str) -> Answer:
    return Answer(status, {"errors": {"type": TYPES[status], "message": text}})
