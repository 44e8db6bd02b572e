"""The course page's "What if …" panel: failures of a real LMS at the press of a button."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from lti_sandbox.practice_lms.columns import delete_columns, restore_columns
from lti_sandbox.practice_lms.current import current_lms
from lti_sandbox.practice_lms.gradebook import NoSuchCell, read_typed, teacher_grades, unenrol

views = Blueprint("what_if", __name__, url_prefix="/what-if")


@views.errorhandler(NoSuchCell)
def missing(problem: NoSuchCell) -> ResponseReturnValue:
    """Say on a page what is missing."""
    return render_template("lms_problem.html", problem=str(problem)), 404


@views.post("/outage")
def outage() -> ResponseReturnValue:
    """Start or end an outage of the LMS."""
    current_lms().outage = "maintenance" if request.form.get("do") == "down" else ""
    return _back()


@views.post("/column")
def column() -> ResponseReturnValue:
    """Delete the column of an activity, or restore it."""
    change = restore_columns if request.form.get("do") == "restore" else delete_columns
    change(current_lms(), request.form.get("activity", ""))
    return _back()


@views.post("/grade")
def grade() -> ResponseReturnValue:
    """Set a grade as a teacher; an empty value clears the cell."""
    form = request.form
    where = current_lms(), form.get("activity", ""), form.get("person", "")
    teacher_grades(*where, read_typed(form.get("score", "")))
    return _back()


@views.post("/enrolment")
def enrolment() -> ResponseReturnValue:
    """Unenrol or enrol a learner."""
    state, person = current_lms(), request.form.get("person", "")
    if person not in state.people:
        raise NoSuchCell(f"There is no person {person!r}.")
    away = state.unenrolled - {person}
    unenrol(state, away | {person} if request.form.get("do") == "leave" else away)
    return _back()


@views.post("/language")
def language() -> ResponseReturnValue:
    """Set the language of later launches."""
    state = current_lms()
    state.locale = request.form.get("locale", "").strip() or state.locale
    return _back()


def _back() -> ResponseReturnValue:
    return redirect(url_for("pages.course", _anchor="what-if"), 303)
