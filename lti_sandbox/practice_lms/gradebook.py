"""The gradebook: what it shows, and what a teacher types into it."""

from typing import Any

from lti_sandbox.practice_lms.state import Activity, Cell, LineItem, LmsState, Person


def gradebook(state: LmsState) -> list[dict[str, Any]]:
    """Return every cell of the gradebook, one per activity and learner."""
    with state.lock:
        return [
            _row(state, activity, items[0], person)
            for activity in state.activities.values()
            if (items := state.items_of(activity))
            for person in state.people.values()
            if person.gradable
        ]


def _row(state: LmsState, activity: Activity, item: LineItem, person: Person) -> dict[str, Any]:
    cell = state.cells.get((item.id, person.sub)) or Cell()
    return {
        "activity": activity.id,
        "title": activity.title,
        "person": person.key,
        "name": person.name,
        "reviewable": activity.reviewable,
        "score": cell.score,
        "maximum": item.maximum,
        "overridden": cell.overridden,
        "attempts": len(cell.attempts),
        "history": list(cell.history),
    }


def teacher_grades(state: LmsState, activity_id: str, person: str, score: float | None) -> None:
    """A teacher types a grade: it wins over later scores, and its time guards the cell."""
    with state.lock:
        item = state.items_of(state.activities[activity_id])[0]
        cell = state.cell(item.id, state.people[person].sub)
        cell.score = None if score is None else float(score)
        cell.overridden = score is not None
        cell.stored_at = state.now()
        state.note(cell, "teacher", cell.score, "A teacher graded.")


def remove_grade(state: LmsState, activity_id: str, person: str) -> None:
    """The cell has no entry any more: a course reset, or a restored database."""
    with state.lock:
        item = state.items_of(state.activities[activity_id])[0]
        state.cells.pop((item.id, state.people[person].sub), None)
