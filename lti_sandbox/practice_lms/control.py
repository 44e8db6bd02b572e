"""Control of the practice LMS, for tests and for people who want to see what happens.

`GET /control/platform`    issuer and addresses, as an admin would copy them into a tool
`PUT /control/tools`       connect a tool by hand; answers its client id and deployment id
`PUT /control/activities`  replace all activities: title, custom, line_item, points, client_id
`GET /control/activities`  the activities with their ids
`GET /control/scores`      every score POST with its body and answer
`GET /control/grades`      the gradebook: activity, person, score, attempts, history
`PUT /control/grades`      a teacher grades: {"activity", "person", "score"},
                           or {"activity", "person", "gone": true} as a course reset does
`PUT /control/platform`    {"storage": true|false}: whether the frame answers lti.put_data;
                           {"locale": "de_DE"}: what launches say of the language
`GET /control/tools`       the connected tools
`GET /control/registration-token`  a token as the page for dynamic registration hands it out
`PUT /control/course`      {"concluded", "throttle", "attempts_allowed", "unenrolled": [...],
                           "locked": true|false} as far as given
`DELETE /control/line-items/<activity>`  the activity's columns are deleted
`POST /control/course-copy`              copies every activity, as a course copy does
"""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from lti_sandbox.practice_lms.addresses import PATHS, line_items_url, memberships_url, origin
from lti_sandbox.practice_lms.current import current_lms
from lti_sandbox.practice_lms.gradebook import gradebook, remove_grade, teacher_grades
from lti_sandbox.practice_lms.registration import new_registration_token
from lti_sandbox.practice_lms.state import Activity, LmsState, ToolSpec

views = Blueprint("lms_control", __name__, url_prefix="/control")


@views.get("/platform")
def platform() -> dict[str, str]:
    """Show issuer and addresses."""
    return _platform(current_lms())


@views.put("/platform")
def change_platform() -> dict[str, str]:
    """Change what the frame answers, and the language of launches."""
    state = current_lms()
    wanted = request.get_json()
    state.storage = bool(wanted.get("storage", state.storage))
    state.locale = str(wanted.get("locale", state.locale))
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
def override() -> dict[str, Any]:
    """Grade as a teacher does; with `gone` remove the entry, as a course reset does."""
    state = current_lms()
    body = request.get_json()
    if body.get("gone"):
        remove_grade(state, body["activity"], body["person"])
    else:
        teacher_grades(state, body["activity"], body["person"], body.get("score"))
    return {"grades": gradebook(state)}


@views.put("/course")
def course() -> dict[str, Any]:
    """Change the course as far as given."""
    state = current_lms()
    body = request.get_json()
    with state.lock:
        state.concluded = bool(body.get("concluded", state.concluded))
        state.throttle = bool(body.get("throttle", state.throttle))
        state.attempts_allowed = int(body.get("attempts_allowed", state.attempts_allowed))
        state.unenrolled = set(body.get("unenrolled", state.unenrolled))
        if "locked" in body:
            for item in state.line_items.values():
                item.locked = bool(body["locked"])
    return {}


@views.delete("/line-items/<activity_id>")
def delete_items(activity_id: str) -> tuple[str, int]:
    """Delete an activity's columns."""
    state = current_lms()
    with state.lock:
        for item in state.items_of(state.activities[activity_id]):
            del state.line_items[item.id]
    return "", 204


@views.post("/course-copy")
def copy() -> dict[str, Any]:
    """Copy the course and list the copies."""
    return _show_all(copy_course(current_lms()))


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


def copy_course(state: LmsState) -> list[Activity]:
    """Copy the course: custom parameters stay, links and line items get new ids."""
    with state.lock:
        context = state.next_id()
        made = []
        for activity in list(state.activities.values()):
            copy = state.add_activity(
                f"{activity.title} (copy)",
                activity.client_id,
                dict(activity.custom),
                points=activity.points,
                line_item=activity.line_item,
                target_link_uri=activity.target_link_uri,
            )
            copy.context_id = context
            made.append(copy)
        return made
