"""Results of a column: Moodle's final grades, Canvas's own rows."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from lti_sandbox.practice_lms.canvas_scores import CANVAS_EXTENSION, find_student
from lti_sandbox.practice_lms.state import Cell, LineItem, LmsState


def moodle_results(
    state: LmsState, item: LineItem, url: str, asked: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return the grades that have a time: an erased one has none, unless a tool made the column."""
    return [
        _moodle_entry(item, url, sub, cell)
        for sub, cell in _cells(state, item)
        if asked.get("user_id", sub) == sub and cell.stored_at is not None
    ]


def canvas_results(
    state: LmsState, item: LineItem, url: str, asked: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return the rows, those of one user when the tool named one.

    A user who is not an active student has none, and nor has any in an unpublished course:
    https://github.com/instructure/canvas-lms/blob/master/app/controllers/lti/ims/results_controller.rb
    """
    rows = {sub: cell for sub, cell in _cells(state, item) if cell.row is not None}
    if "user_id" in asked:
        student = None if state.grade_refusal == "unpublished" else _student(state, asked)
        rows = {sub: cell for sub, cell in rows.items() if student and sub == student.sub}
    return [_canvas_entry(item, url, sub, cell) for sub, cell in rows.items()]


def _cells(state: LmsState, item: LineItem) -> list[tuple[str, Cell]]:
    return [(sub, cell) for (item_id, sub), cell in state.cells.items() if item_id == item.id]


def _student(state: LmsState, asked: Mapping[str, str]) -> Any:
    """Older Canvas knows the uuid in `userId` alone; `user_id` holds the numeric id there."""
    if not state.older_canvas:
        return find_student(state, asked["user_id"])
    named = asked.get("userId", asked["user_id"])
    found = find_student(state, named)
    is_numeric = found is not None and found.number == named
    return found if is_numeric or "userId" in asked else None


def _moodle_entry(item: LineItem, url: str, sub: str, cell: Cell) -> dict[str, Any]:
    joiner = "&" if "?" in url else "?"
    where = url.replace("/lineitem?", "/lineitem/results?")
    entry: dict[str, Any] = {"id": f"{where}{joiner}user_id={sub}", "userId": sub, "scoreOf": url}
    # The maximum when the score arrived (rawgrademax), though the score is on today's scale.
    entry["resultMaximum"] = cell.raw_maximum or item.maximum
    # Moodle tests the grade with !empty(): a grade of 0 is left out like none at all.
    if cell.score:
        entry["resultScore"] = cell.score
    if cell.comment:
        entry["comment"] = cell.comment
    assert cell.stored_at is not None
    entry["timestamp"] = datetime.fromtimestamp(int(cell.stored_at), UTC).isoformat()
    return entry


def _canvas_entry(item: LineItem, url: str, sub: str, cell: Cell) -> dict[str, Any]:
    """The extension stands beside the other members, as the tool sent it:
    https://github.com/instructure/canvas-lms/blob/master/app/serializers/lti/ims/results_serializer.rb
    """
    assert cell.row is not None
    entry = {
        "id": f"{url}/results/{sub}",
        "scoreOf": url,
        "userId": sub,
        "resultScore": _shown_score(item, cell),
        "resultMaximum": cell.row.maximum,
        "comment": cell.row.comment or None,
        CANVAS_EXTENSION: cell.row.extension,
    }
    return {name: value for name, value in entry.items() if value is not None}


def _shown_score(item: LineItem, cell: Cell) -> float | None:
    """A person's score is scaled to the maximum of the tool's post; the tool's own is an echo.

    Who graded last decides, not whose number it is: a grade that a person saved again unchanged
    is scaled a second time.
    https://github.com/instructure/canvas-lms/blob/master/app/models/lti/result.rb
    """
    row = cell.row
    assert row is not None
    if row.score is None or not cell.by_person or not row.maximum or not item.maximum:
        return row.score
    return round(row.score * row.maximum / item.maximum, 5)
