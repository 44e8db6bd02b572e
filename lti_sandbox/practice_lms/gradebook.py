"""The gradebook: its content, and changes by teachers."""

from dataclasses import replace
from typing import Any

from lti_sandbox.practice_lms.state import Activity, Cell, LineItem, LmsState, Person, ResultRow


class NoSuchCell(LookupError):
    """The gradebook has no such cell; the message says what is missing."""


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
        "raw": cell.raw,
        "maximum": item.maximum,
        "overridden": cell.overridden,
        "excused": cell.excused,
        "attempts": len(cell.attempts),
        "history": list(cell.history),
    }


def read_typed(text: str) -> float | None:
    """Return the grade that a person typed; anything but a number empties the cell."""
    plain = text.strip().replace(",", ".")
    return float(plain) if plain.replace(".", "", 1).isdecimal() else None


def teacher_grades(state: LmsState, activity_id: str, person: str, score: float | None) -> None:
    """Set a grade as a teacher, or empty the cell."""
    with state.lock:
        item, cell = _find(state, activity_id, person)
        wanted = None if score is None else float(score)
        if state.dialect == "moodle":
            cell.stored_at = state.now()  # the time of an override guards the cell too
        else:
            _follow(state, item, cell, wanted)
        cell.score, cell.overridden, cell.excused = wanted, wanted is not None, False
        state.note(cell, "teacher", cell.score, "A teacher graded.")


def excuse(state: LmsState, activity_id: str, person: str) -> None:
    """Excuse a learner as a teacher (Canvas), which removes the score."""
    with state.lock:
        item, cell = _find(state, activity_id, person)
        _follow(state, item, cell, None)
        cell.score, cell.overridden, cell.excused = None, False, True
        state.note(cell, "teacher", None, "A teacher excused the learner.")


def remove_override(state: LmsState, activity_id: str, person: str) -> None:
    """Remove a teacher's override (Moodle); the value stays until the next score."""
    with state.lock:
        _, cell = _find(state, activity_id, person)
        cell.overridden = False
        state.note(cell, "teacher", cell.score, "A teacher took the override back.")


def remove_grade(state: LmsState, activity_id: str, person: str) -> None:
    """Remove a cell's entry, as a course reset or a restored database does."""
    with state.lock:
        item, _ = _find(state, activity_id, person)
        state.cells.pop((item.id, state.people[person].sub), None)


def unenrol(state: LmsState, people: set[str]) -> None:
    """Unenrol exactly these users; Moodle deletes the grades of those who leave."""
    with state.lock:
        subs = {state.people[key].sub for key in people - state.unenrolled if key in state.people}
        state.unenrolled = people
        if state.dialect == "moodle":
            state.cells = {k: cell for k, cell in state.cells.items() if k[1] not in subs}
        state.changes += 1


def _follow(state: LmsState, item: LineItem, cell: Cell, score: float | None) -> None:
    """Update Canvas's result after a person changed a score, in the assignment's points.

    Its time stays, so a tool's older timestamp is not refused for a teacher's change. Without an
    earlier post only newer versions create a row.
    """
    cell.by_person = True
    if score == cell.score:
        return
    if cell.row is not None:
        maximum = item.maximum if cell.row.maximum is None else cell.row.maximum
        cell.row = replace(cell.row, score=score, maximum=maximum)
    elif not state.older_canvas:
        cell.row = ResultRow(score, item.maximum)
        cell.stored_at = state.now()


def _find(state: LmsState, activity_id: str, person: str) -> tuple[LineItem, Cell]:
    if person not in state.people:
        raise NoSuchCell(f"There is no person {person!r}.")
    item = first_item(state, activity_id)
    return item, state.cell(item.id, state.people[person].sub)


def first_item(state: LmsState, activity_id: str) -> LineItem:
    """Return an activity's column in the gradebook; raises NoSuchCell."""
    activity = state.activities.get(activity_id)
    if activity is None:
        raise NoSuchCell(f"There is no activity {activity_id!r}.")
    items = state.items_of(activity)
    if not items:
        raise NoSuchCell(f"The activity {activity_id!r} has no column.")
    return items[0]
