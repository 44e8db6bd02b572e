"""Changes of columns: deleted, restored, created again, or copied with their activities."""

from copy import deepcopy

from lti_sandbox.practice_lms.gradebook import NoSuchCell, first_item
from lti_sandbox.practice_lms.state import Activity, LineItem, LmsState


def delete_columns(state: LmsState, activity_id: str) -> None:
    """Delete the columns of an activity; they can be restored."""
    with state.lock:
        items = state.items_of(_activity(state, activity_id))
        for item in items:
            del state.line_items[item.id]
        if items:
            state.deleted_items[activity_id] = items
        state.changes += 1


def restore_columns(state: LmsState, activity_id: str) -> None:
    """Restore deleted columns, with their ids and grades."""
    with state.lock:
        _activity(state, activity_id)
        if activity_id not in state.deleted_items:
            raise NoSuchCell(f"The activity {activity_id!r} has no deleted column.")
        for item in state.deleted_items.pop(activity_id):
            state.line_items[item.id] = item
        state.changes += 1


def remake_column(state: LmsState, activity_id: str) -> LineItem:
    """Replace an activity's columns by an empty one with a new id, used by later launches."""
    with state.lock:
        activity = _activity(state, activity_id)
        delete_columns(state, activity_id)
        state.deleted_items.pop(activity_id, None)
        activity.names_column = True
        return state.add_line_item(activity, by_tool=False)


def keep_no_grades(state: LmsState, activity_id: str, keeps_none: bool) -> None:
    """Moodle's grade type "None" of a column, or points again; finals come with later scores."""
    with state.lock:
        item = first_item(state, activity_id)
        item.keeps_no_grade = keeps_none
        for (item_id, _), cell in state.cells.items():
            if keeps_none and item_id == item.id and not cell.overridden:
                cell.score = None
        state.changes += 1


def change_maximum(state: LmsState, activity_id: str, maximum: float) -> None:
    """Give an activity's column another maximum: Moodle rescales its grades, Canvas does not."""
    with state.lock:
        item = first_item(state, activity_id)
        factor = maximum / item.maximum
        item.maximum = _activity(state, activity_id).points = maximum
        for (item_id, _), cell in state.cells.items():
            if state.dialect == "moodle" and item_id == item.id:
                cell.score = None if cell.score is None else round(cell.score * factor, 5)
                cell.raw = None if cell.raw is None else round(cell.raw * factor, 5)
        state.changes += 1


def accept_grades(state: LmsState, activity_id: str, accepts: bool) -> None:
    """Moodle's "accept grades from the tool": once off, launches name the column no more.

    Switched on again, the column keeps the grade type None; `lineitems` lists it throughout
    (measured on 4.5.6).
    """
    with state.lock:
        activity = _activity(state, activity_id)
        if not accepts:
            activity.names_column = False
            keep_no_grades(state, activity_id, True)


def copy_course(state: LmsState, *, with_grades: bool = False) -> list[Activity]:
    """Copy the course: custom parameters stay, context, links and line items get new ids.

    With grades it is like a restored backup with users.
    """
    with state.lock:
        context = state.next_id()
        made = []
        for activity in list(state.activities.values()):
            copy = _copy(state, activity, f"{activity.title} (copy)", with_grades)
            copy.context_id = context
            made.append(copy)
        return made


def restore_activity(state: LmsState, activity_id: str) -> Activity:
    """Restore a deleted activity from the bin: its grades, a new link and line item."""
    with state.lock:
        activity = _activity(state, activity_id)
        copy = _copy(state, activity, activity.title, with_grades=True)
        copy.context_id = activity.context_id
        delete_columns(state, activity_id)
        state.deleted_items.pop(activity_id, None)
        del state.activities[activity_id]
        return copy


def _copy(state: LmsState, activity: Activity, title: str, with_grades: bool) -> Activity:
    copy = state.add_activity(
        title,
        activity.client_id,
        dict(activity.custom),
        points=activity.points,
        line_item=activity.line_item,
        target_link_uri=activity.target_link_uri,
    )
    if with_grades:
        moved = zip(state.items_of(activity), state.items_of(copy), strict=False)
        ids = {old.id: new.id for old, new in moved}
        for (item_id, sub), cell in list(state.cells.items()):
            if item_id in ids:
                state.cells[ids[item_id], sub] = deepcopy(cell)
    return copy


def _activity(state: LmsState, activity_id: str) -> Activity:
    if activity_id not in state.activities:
        raise NoSuchCell(f"There is no activity {activity_id!r}.")
    return state.activities[activity_id]
