"""Control of the practice LMS's gradebook; `control.py` lists all calls."""

from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from lti_sandbox.practice_lms.columns import delete_columns, remake_column, restore_columns
from lti_sandbox.practice_lms.current import current_lms
from lti_sandbox.practice_lms.gradebook import (
    NoSuchCell,
    excuse,
    gradebook,
    remove_grade,
    remove_override,
    teacher_grades,
)
from lti_sandbox.practice_lms.state import LmsState

views = Blueprint("lms_gradebook_control", __name__, url_prefix="/control")


@views.errorhandler(NoSuchCell)
def missing(problem: NoSuchCell) -> ResponseReturnValue:
    """Say what is missing."""
    return {"error": str(problem)}, 404


@views.get("/scores")
def scores() -> dict[str, Any]:
    """List every score POST."""
    state = current_lms()
    with state.lock:
        return {"scores": list(state.score_posts)}


@views.get("/grades")
def grades() -> dict[str, Any]:
    """Show the gradebook."""
    state = current_lms()
    return {"grades": gradebook(state), "changes": state.changes}


@views.put("/grades")
def change_grade() -> ResponseReturnValue:
    """Change a cell as a teacher or a course reset does."""
    state = current_lms()
    body = request.get_json()
    where = state, str(body.get("activity", "")), str(body.get("person", ""))
    if body.get("gone"):
        remove_grade(*where)
    elif "override" in body or "excused" in body:
        refused = _change_mark(state, body)
        if refused:
            return {"error": refused}, 400
    else:
        teacher_grades(*where, body.get("score"))
    return {"grades": gradebook(state)}


def _change_mark(state: LmsState, body: dict[str, Any]) -> str:
    where = state, str(body.get("activity", "")), str(body.get("person", ""))
    if state.dialect == "moodle" and body.get("override") is False:
        remove_override(*where)
    elif state.dialect == "canvas" and body.get("excused") is True:
        excuse(*where)
    else:
        return "Moodle takes an override back, Canvas excuses; a score does the opposite."
    return ""


@views.delete("/line-items/<activity_id>")
def delete_items(activity_id: str) -> tuple[str, int]:
    """Delete an activity's columns."""
    delete_columns(current_lms(), activity_id)
    return "", 204


@views.post("/line-items/<activity_id>/restore")
def restore_items(activity_id: str) -> dict[str, Any]:
    """Restore an activity's columns."""
    state = current_lms()
    restore_columns(state, activity_id)
    return {"line_items": [item.id for item in state.items_of(state.activities[activity_id])]}


@views.post("/line-items/<activity_id>/remake")
def remake_items(activity_id: str) -> dict[str, Any]:
    """Replace an activity's columns by an empty one."""
    return {"line_items": [remake_column(current_lms(), activity_id).id]}
