"""Login and authorization: the platform's half of the OIDC handshake."""

import json
import secrets
from typing import Any

from flask import Blueprint, Response, render_template, request

from lti_sandbox.practice_lms.addresses import CANVAS, MOODLE, origin
from lti_sandbox.practice_lms.current import current_lms
from lti_sandbox.practice_lms.id_token import (
    DEEP_LINKING,
    RESOURCE_LINK,
    SUBMISSION_REVIEW,
    id_token,
)
from lti_sandbox.practice_lms.state import Activity, LmsState, PendingLaunch, Person, ToolSpec

canvas = Blueprint("oidc", __name__)
moodle = Blueprint("oidc", __name__)

SESSION_COOKIE = "practice_lms_session"
# The name of the frame whose script implements LTI platform storage.
STORAGE_TARGET = "post_message_forwarding"
LEARNER_ROLE = "http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"


@canvas.get(CANVAS.jwks)
@moodle.get(MOODLE.jwks)
def jwks() -> dict[str, Any]:
    """Show the LMS's public key set."""
    return current_lms().jwks()


@canvas.route(CANVAS.authorization, methods=["GET", "POST"])
@moodle.route(MOODLE.authorization, methods=["GET", "POST"])
def authorize() -> Response:
    """Answer a tool's login with the signed message, posted by the person's browser."""
    state = current_lms()
    asked = request.values
    tool = state.tools.get(asked.get("client_id", ""))
    launch, problem = _find_launch(state, asked.get("lti_message_hint", ""))
    shown = _problem_shown(tool, launch, problem, asked)
    if shown is not None:
        return Response(render_template("lms_problem.html", problem=shown), 400)
    assert tool is not None and launch is not None
    error = _problem_posted(state, launch, asked)
    if error is not None:
        return _post_form(tool, {"error": error, "state": asked.get("state", "")})
    if not _use(state, launch):
        return _used_before(state, tool, asked)
    token = id_token(state, tool, launch, asked["nonce"])
    fields = {"id_token": token, "state": asked.get("state", "")}
    if state.dialect == "canvas":
        fields["lti_storage_target"] = STORAGE_TARGET
    return _post_form(tool, fields)


def login_form(
    state: LmsState,
    activity: Activity,
    person: Person,
    *,
    for_user: str = "",
    as_student: bool = False,
    actor: str = "",
) -> dict[str, Any]:
    """Return address and fields of the form that starts a login at the tool.

    `for_user` makes it a submission review. `as_student` is Moodle's "switch role to student":
    the same user with the role of a learner, without any mark. `actor` is the id of an admin who
    acts as the person (Canvas).
    """
    message = SUBMISSION_REVIEW if for_user else RESOURCE_LINK
    roles = (LEARNER_ROLE,) if as_student else person.roles
    launch = PendingLaunch(activity.client_id, activity.id, person, message, for_user, roles, actor)
    return _login_form(state, launch, activity.target_link_uri)


def deep_linking_form(state: LmsState, client_id: str, person: Person) -> dict[str, Any]:
    """Return the form that lets a teacher pick content in a tool."""
    launch = PendingLaunch(client_id, "", person, DEEP_LINKING, roles=person.roles)
    return _login_form(state, launch, "")


def _login_form(state: LmsState, launch: PendingLaunch, target: str) -> dict[str, Any]:
    tool = state.tools[launch.client_id]
    launch_id = secrets.token_hex(12)
    state.launches[launch_id] = launch
    fields = {
        "iss": origin(),
        "target_link_uri": target or tool.target_link_uri,
        "login_hint": launch.person.sub,
        "client_id": tool.client_id,
    }
    if state.dialect == "moodle":
        hint = {"cmid": launch.activity_id, "launchid": launch_id}
        fields["lti_message_hint"] = json.dumps(hint)
        fields["lti_deployment_id"] = tool.deployment_id
    else:
        fields["lti_message_hint"] = launch_id
        fields["deployment_id"] = tool.deployment_id
        fields["canvas_region"] = "practice"
        fields["canvas_environment"] = "prod"
        fields["lti_storage_target"] = STORAGE_TARGET
    return {"action": tool.login_url, "fields": fields}


def _use(state: LmsState, launch: PendingLaunch) -> bool:
    """Mark a launch as used; False when it was used before."""
    with state.lock:
        first, launch.used = not launch.used, True
        return first


def _used_before(state: LmsState, tool: ToolSpec, asked: Any) -> Response:
    if state.dialect == "canvas":
        fields = {"error": "launch_no_longer_valid", "state": asked.get("state", "")}
        return _post_form(tool, fields)
    text = "Invalid request: this launch was used before."
    return Response(render_template("lms_problem.html", problem=text), 400)


def _find_launch(state: LmsState, hint: str) -> tuple[PendingLaunch | None, str | None]:
    launch_id = hint
    if state.dialect == "moodle":
        try:
            launch_id = str(json.loads(hint)["launchid"])
        except (ValueError, KeyError, TypeError):
            return None, "Invalid request: the launch is unknown."
    launch = state.launches.get(launch_id)
    return launch, None if launch else "Invalid request: the launch is unknown."


def _problem_shown(
    tool: ToolSpec | None, launch: PendingLaunch | None, problem: str | None, asked: Any
) -> str | None:
    """Return an error to show on the LMS's own page, because the tool's URL cannot be trusted."""
    if tool is None or not tool.active:
        return "Invalid request: no active tool has this client id."
    if asked.get("redirect_uri") not in tool.redirect_uris:
        return "Invalid request: this redirect_uri is not registered for the tool."
    if asked.get("scope") != "openid" or asked.get("response_type") != "id_token":
        return "Invalid request: scope must be openid and response_type id_token."
    if not asked.get("nonce"):
        return "Invalid request: the nonce is missing."
    if launch is not None and launch.client_id != tool.client_id:
        return "Invalid request: the launch belongs to another tool."
    return problem if launch is None else None


def _problem_posted(state: LmsState, launch: PendingLaunch, asked: Any) -> str | None:
    """Return an error to post to the tool."""
    if asked.get("response_mode") != "form_post" or asked.get("prompt", "none") != "none":
        return "invalid_request" if state.dialect == "moodle" else "invalid_request_object"
    if asked.get("login_hint") != launch.person.sub:
        return "access_denied"
    if request.cookies.get(SESSION_COOKIE) != launch.person.key:
        return "login_required" if state.dialect == "canvas" else "access_denied"
    return None


def _post_form(tool: ToolSpec, fields: dict[str, str]) -> Response:
    action = request.values["redirect_uri"]
    page = render_template("lms_post.html", action=action, fields=fields, tool=tool)
    return Response(page, headers={"Cache-Control": "no-store"})
