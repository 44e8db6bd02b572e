"""Control of the practice LMS, for tests and for people who want to see what happens.

`GET /control/platform`    issuer and addresses, as an admin would copy them into a tool
`PUT /control/tools`       connect a tool by hand; answers its client id and deployment id
`PUT /control/activities`  replace all activities: title, custom, line_item, points, client_id
`GET /control/activities`  the activities with their ids
`PUT /control/activities/<activity>`  {"points": 50}: its column's maximum from now on;
                           Moodle: {"grade_type_none": true|false}: its column keeps no
                           final grade; {"accepts_grades": true|false}: once false, launches never
                           name the column again
`POST /control/activities/<activity>/restore`  Moodle: deleted and back from the recycle bin, with
                           its grades and a new resource link and line item; answers the new one
`GET /control/scores`      every score POST with its body and answer
`GET /control/grades`      the gradebook: activity, person, score, raw, attempts, history
`PUT /control/grades`      a teacher grades: {"activity", "person", "score"}; null empties the cell.
                           Instead of "score": "gone": true removes the entry as a course reset
                           does; "override": false takes the override back (Moodle);
                           "excused": true excuses the learner (Canvas)
`PUT /control/platform`    {"storage": true|false}: whether the frame answers lti.put_data;
                           {"locale": "de_DE"}: what launches say of the language;
                           {"older_canvas": true|false}: no result row for a grade typed before any
                           post, `user_id` is the numeric id, neither preserve_score nor
                           prioritize_non_tool_grade, 404 for a concluded course
`GET /control/tools`       the connected tools
`PUT /control/tools/<client id>`  {"scopes": ["score", ...]}: what an admin lets the tool have now
`GET /control/registration-token`  a token as the page for dynamic registration hands it out
`PUT /control/course`      {"concluded", "throttle", "attempts_allowed", "unenrolled": [...],
                           "locked": true|false} as far as given;
                           {"maintenance": true|false} (503) and {"database_down": true|false}
                           (500): services and launches answer HTML;
                           {"grade_refused": "closed_period"|"unpublished"|"not_assigned"|""}:
                           Canvas changes no grade, and says why
`DELETE /control/line-items/<activity>`         the activity's columns are deleted
`POST /control/line-items/<activity>/restore`   they are back, with their ids and grades
`POST /control/line-items/<activity>/remake`    an empty column of a new id takes their place
`POST /control/course-copy`  copies every activity, as a course copy does; with {"grades": true}
                           as a restored backup of users and grades does (Moodle)

What does not exist answers 404 with a sentence in `error`.
"""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, get_args

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from lti_sandbox.practice_lms.addresses import PATHS, line_items_url, memberships_url, origin
from lti_sandbox.practice_lms.columns import (
    accept_grades,
    change_maximum,
    copy_course,
    keep_no_grades,
    restore_activity,
)
from lti_sandbox.practice_lms.control_gradebook import missing
from lti_sandbox.practice_lms.current import current_lms
from lti_sandbox.practice_lms.gradebook import NoSuchCell, unenrol
from lti_sandbox.practice_lms.registration import new_registration_token
from lti_sandbox.practice_lms.scopes import UnknownScope, narrow
from lti_sandbox.practice_lms.state import Activity, GradeRefusal, LmsState, Outage, ToolSpec

views = Blueprint("lms_control", __name__, url_prefix="/control")
views.register_error_handler(NoSuchCell, missing)

OUTAGES: dict[str, Outage] = {"maintenance": "maintenance", "database_down": "database"}


@views.get("/platform")
def platform() -> dict[str, str]:
    """Show issuer and addresses."""
    return _platform(current_lms())


@views.put("/platform")
def change_platform() -> dict[str, str]:
    """Change what the frame answers, the language of launches, and Canvas's age."""
    state = current_lms()
    wanted = request.get_json()
    state.storage = bool(wanted.get("storage", state.storage))
    state.locale = str(wanted.get("locale", state.locale))
    state.older_canvas = bool(wanted.get("older_canvas", state.older_canvas))
    return _platform(state)


@views.get("/tools")
def tools() -> dict[str, Any]:
    """List the connected tools."""
    return {"tools": [asdict(tool) for tool in current_lms().tools.values()]}


@views.get("/registration-token")
def registration_token() -> dict[str, str]:
    """Hand out a token for one dynamic registration."""
    return {"token": new_registration_token(current_lms())}


@views.put("/tools")
def connect() -> ResponseReturnValue:
    """Connect a tool by hand."""
    state = current_lms()
    body = request.get_json()
    try:
        tool = state.connect(ToolSpec(**body))
    except (TypeError, IndexError):
        wanted = "name, login_url, redirect_uris, jwks_url"
        return {"error": f"A tool needs {wanted}; client_id and deployment_id may be given."}, 400
    answer = {"client_id": tool.client_id, "deployment_id": tool.deployment_id}
    return _platform(state) | answer


@views.put("/tools/<client_id>")
def change_tool(client_id: str) -> ResponseReturnValue:
    """Narrow or widen what a tool may do."""
    tool = current_lms().tools.get(client_id)
    if tool is None:
        return {"error": f"There is no tool {client_id!r}."}, 404
    try:
        narrow(tool, request.get_json().get("scopes", []))
    except UnknownScope as problem:
        return {"error": str(problem)}, 400
    return asdict(tool)


@views.put("/activities")
def replace_activities() -> ResponseReturnValue:
    """Replace all activities."""
    state = current_lms()
    if not state.tools:
        return {"error": "Connect a tool first: PUT /control/tools."}, 400
    first = next(iter(state.tools))
    with state.lock:
        state.activities.clear()
        state.line_items.clear()
        state.deleted_items.clear()
        for entry in request.get_json():
            state.add_activity(
                entry["title"],
                entry.get("client_id", first),
                entry.get("custom", {}),
                points=float(entry.get("points", 100)),
                line_item=entry.get("line_item", "coupled"),
                target_link_uri=entry.get("target_link_uri", ""),
            )
    return _show_all(state.activities.values())


@views.get("/activities")
def activities() -> dict[str, Any]:
    """List the activities."""
    return _show_all(current_lms().activities.values())


@views.put("/activities/<activity_id>")
def change_activity(activity_id: str) -> ResponseReturnValue:
    """Change what Moodle keeps of an activity's grades."""
    state = current_lms()
    body = request.get_json()
    if state.dialect != "moodle":
        return {"error": "Only Moodle has these settings."}, 400
    if activity_id not in state.activities:
        raise NoSuchCell(f"There is no activity {activity_id!r}.")
    if "accepts_grades" in body:
        accept_grades(state, activity_id, bool(body["accepts_grades"]))
    if "points" in body:
        change_maximum(state, activity_id, float(body["points"]))
    if "grade_type_none" in body:
        keep_no_grades(state, activity_id, bool(body["grade_type_none"]))
    return _show(state.activities[activity_id])


@views.post("/activities/<activity_id>/restore")
def restore(activity_id: str) -> ResponseReturnValue:
    """Delete an activity and take it out of the recycle bin."""
    state = current_lms()
    if state.dialect != "moodle":
        return {"error": "Only Moodle has a recycle bin."}, 400
    return _show(restore_activity(state, activity_id))


@views.put("/course")
def course() -> ResponseReturnValue:
    """Change the course as far as given."""
    state = current_lms()
    body = request.get_json()
    refusals = get_args(GradeRefusal)
    if body.get("grade_refused", "") not in refusals:
        return {"error": f"grade_refused is one of {', '.join(filter(None, refusals))}."}, 400
    with state.lock:
        state.concluded = bool(body.get("concluded", state.concluded))
        state.throttle = bool(body.get("throttle", state.throttle))
        state.attempts_allowed = int(body.get("attempts_allowed", state.attempts_allowed))
        state.grade_refusal = body.get("grade_refused", state.grade_refusal)
        unenrol(state, set(body.get("unenrolled", state.unenrolled)))
        for name, outage in OUTAGES.items():
            if body.get(name):
                state.outage = outage
            elif name in body and state.outage == outage:
                state.outage = ""
        if "locked" in body:
            for item in state.line_items.values():
                item.locked = bool(body["locked"])
    return {}


@views.post("/course-copy")
def copy() -> ResponseReturnValue:
    """Copy the course and list the copies."""
    state = current_lms()
    with_grades = bool((request.get_json(silent=True) or {}).get("grades"))
    if with_grades and state.dialect != "moodle":
        return {"error": "Canvas copies no grades."}, 400
    return _show_all(copy_course(state, with_grades=with_grades))


def _platform(state: LmsState) -> dict[str, str]:
    where = PATHS[state.dialect]
    return {
        "dialect": state.dialect,
        "issuer": origin(),
        "authorization_url": origin() + where.authorization,
        "token_url": origin() + where.token,
        "jwks_url": origin() + where.jwks,
        "line_items_url": line_items_url(state),
        "memberships_url": memberships_url(state),
    }


def _show_all(activities: Iterable[Activity]) -> dict[str, Any]:
    return {"activities": [_show(activity) for activity in activities]}


def _show(activity: Activity) -> dict[str, Any]:
    return {
        "id": activity.id,
        "title": activity.title,
        "custom": activity.custom,
        "client_id": activity.client_id,
        "line_item": activity.line_item,
        "points": activity.points,
    }
