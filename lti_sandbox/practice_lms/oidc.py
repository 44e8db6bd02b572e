"""Login, authorization and the signed message: the platform's half of the OIDC handshake."""

import json
import secrets
from typing import Any

import jwt
from flask import Blueprint, Response, render_template, request

from lti_sandbox.practice_lms.state import (
    Activity,
    LineItem,
    LmsState,
    PendingLaunch,
    Person,
    ToolSpec,
)

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
AGS = "https://purl.imsglobal.org/spec/lti-ags/"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/"
SESSION_COOKIE = "practice_lms_session"
TOKEN_LIFE = {"moodle": 60, "canvas": 3600}
ALL_SCOPES = [
    f"{AGS}scope/lineitem",
    f"{AGS}scope/lineitem.readonly",
    f"{AGS}scope/result.readonly",
    f"{AGS}scope/score",
    f"{NRPS}scope/contextmembership.readonly",
]
# The page that frames a tool has a frame of this name, and its script answers there.
# A variable of Canvas's that it leaves as it is when nobody acts as somebody else.
MASQUERADING_USER = "$Canvas.masqueradingUser.id"
STORAGE_TARGET = "post_message_forwarding"
DL = "https://purl.imsglobal.org/spec/lti-dl/"
RESOURCE_LINK, DEEP_LINKING = "LtiResourceLinkRequest", "LtiDeepLinkingRequest"
SUBMISSION_REVIEW = "LtiSubmissionReviewRequest"
LEARNER_ROLE = "http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"


def origin() -> str:
    """Return the address that this request called us by; every address we hand out uses it."""
    return request.host_url.rstrip("/")


def paths(state: LmsState) -> dict[str, str]:
    """Return the platform's own paths in the dialect's style."""
    if state.dialect == "moodle":
        return {
            "authorization": "/mod/lti/auth.php",
            "token": "/mod/lti/token.php",
            "jwks": "/mod/lti/certs.php",
        }
    return {
        "authorization": "/api/lti/authorize_redirect",
        "token": "/login/oauth2/token",
        "jwks": "/api/lti/security/jwks",
    }


def make_oidc(state: LmsState) -> Blueprint:
    """Return the routes of the handshake."""
    blueprint = Blueprint("oidc", __name__)
    where = paths(state)

    @blueprint.get(where["jwks"])
    def jwks() -> Any:
        return state.jwks()

    @blueprint.route(where["authorization"], methods=["GET", "POST"])
    def authorize() -> Any:
        return _authorize(state)

    return blueprint


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


def _authorize(state: LmsState) -> Any:
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
    with state.lock:
        if launch.used:
            used = {"error": "launch_no_longer_valid", "state": asked.get("state", "")}
            if state.dialect == "canvas":
                return _post_form(tool, used)
            text = "Invalid request: this launch was used before."
            return Response(render_template("lms_problem.html", problem=text), 400)
        launch.used = True
    token = _id_token(state, tool, launch, asked["nonce"])
    fields = {"id_token": token, "state": asked.get("state", "")}
    if state.dialect == "canvas":
        fields["lti_storage_target"] = STORAGE_TARGET
    return _post_form(tool, fields)


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
    """What the LMS shows on its own page: the tool's address cannot be trusted then."""
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
    """What is posted to the tool as an error."""
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


def _id_token(state: LmsState, tool: ToolSpec, launch: PendingLaunch, nonce: str) -> str:
    claims = _claims_of_person(state, tool, launch, nonce)
    if launch.message == DEEP_LINKING:
        claims |= _deep_linking_claims(state, tool)
    else:
        claims |= _link_claims(state, tool, launch)
    return jwt.encode(claims, state.key, algorithm="RS256", headers={"kid": state.kid})


def _claims_of_person(
    state: LmsState, tool: ToolSpec, launch: PendingLaunch, nonce: str
) -> dict[str, Any]:
    now, person = int(state.now()), launch.person
    claims: dict[str, Any] = {
        "nonce": nonce,
        "iat": now,
        "exp": now + TOKEN_LIFE[state.dialect],
        "iss": origin(),
        "aud": tool.client_id,
        "sub": person.sub,
        CLAIM + "version": "1.3.0",
        CLAIM + "message_type": launch.message,
        CLAIM + "deployment_id": tool.deployment_id,
        CLAIM + "target_link_uri": tool.target_link_uri,
        CLAIM + "roles": list(launch.roles or person.roles),
        CLAIM + "tool_platform": {
            "product_family_code": state.dialect,
            "guid": "2d83fb92895f65e193df3029a9c379db",
            "name": f"Practice {state.dialect}",
        },
    }
    if tool.shares_names:
        names = {"given_name": person.given, "family_name": person.family, "name": person.name}
        claims |= {**names, "email": person.email}
    return claims


def _link_claims(state: LmsState, tool: ToolSpec, launch: PendingLaunch) -> dict[str, Any]:
    activity = state.activities[launch.activity_id]
    custom = {**tool.custom, **activity.custom}
    if launch.actor:
        custom = {k: launch.actor if v == MASQUERADING_USER else v for k, v in custom.items()}
    claims: dict[str, Any] = {
        CLAIM + "target_link_uri": activity.target_link_uri or tool.target_link_uri,
        CLAIM + "context": _context(state, activity.context_id),
        CLAIM + "resource_link": {"id": activity.id, "title": activity.title},
        CLAIM + "launch_presentation": {
            "locale": state.locale,
            "document_target": "window" if activity.new_window else "iframe",
            "return_url": f"{origin()}/return?activity={activity.id}",
        },
        CLAIM + "custom": {**custom, "link_end": "$ResourceLink.available.endDateTime"},
    }
    if any("/lti-ags/" in scope for scope in scopes_of(tool)):
        claims[AGS + "claim/endpoint"] = _endpoint(state, tool, activity)
    if any("/lti-nrps/" in scope for scope in scopes_of(tool)):
        claims[NRPS + "claim/namesroleservice"] = {
            "context_memberships_url": memberships_url(state),
            "service_versions": ["1.0", "2.0"] if state.dialect == "moodle" else ["2.0"],
        }
    if launch.for_user:
        claims[CLAIM + "for_user"] = {"user_id": launch.for_user}
    return claims


def _deep_linking_claims(state: LmsState, tool: ToolSpec) -> dict[str, Any]:
    """What each LMS really sends: Moodle no data, Canvas one assignment at a time."""
    moodle = state.dialect == "moodle"
    settings: dict[str, Any] = {
        "deep_link_return_url": f"{origin()}/deep-link-return?tool={tool.client_id}",
        "accept_types": ["ltiResourceLink"],
        "accept_multiple": moodle,
        "accept_presentation_document_targets": (
            ["frame", "iframe", "window"] if moodle else ["iframe", "window"]
        ),
        "auto_create": False,
    }
    if moodle:
        settings |= {"can_confirm": False, "title": tool.name, "text": ""}
    else:
        settings |= {"accept_media_types": "application/vnd.ims.lti.v1.ltilink"}
        settings["data"] = secrets.token_urlsafe(24)
        settings["accept_lineitem"] = True
        state.deep_links[settings["data"]] = tool.client_id
    presentation = {"locale": state.locale, "document_target": "iframe"}
    if not moodle:
        presentation |= {"return_url": f"{origin()}/return"}
    return {
        CLAIM + "context": _context(state, ""),
        CLAIM + "launch_presentation": presentation,
        CLAIM + "custom": dict(tool.custom),
        DL + "claim/deep_linking_settings": settings,
    }


def scopes_of(tool: ToolSpec) -> list[str]:
    """Return the scopes that an admin lets a tool have."""
    return tool.scopes or ALL_SCOPES


def _context(state: LmsState, context_id: str) -> dict[str, Any]:
    uri = "http://purl.imsglobal.org/vocab/lis/v2/course#CourseOffering"
    return {
        "id": context_id or state.context_id,
        "label": "SAFE101",
        "title": state.context_title,
        "type": ["CourseSection"] if state.dialect == "moodle" else [uri],
    }


def _endpoint(state: LmsState, tool: ToolSpec, activity: Activity) -> dict[str, Any]:
    endpoint: dict[str, Any] = {
        "scope": [s for s in scopes_of(tool) if "/lti-ags/" in s],
        "lineitems": line_items_url(state),
    }
    item = state.claimed_item(activity)
    if isinstance(item, LineItem):
        endpoint["lineitem"] = line_item_url(state, item)
    elif item == "":
        endpoint["lineitem"] = ""
    return endpoint


def line_items_url(state: LmsState) -> str:
    """Return the address of the course's line items."""
    if state.dialect == "moodle":
        return f"{origin()}/mod/lti/services.php/2/lineitems?type_id=1"
    return f"{origin()}/api/lti/courses/1/line_items"


def line_item_url(state: LmsState, item: LineItem) -> str:
    """Return a line item's address; Moodle's carries a query."""
    if state.dialect == "moodle":
        return f"{origin()}/mod/lti/services.php/2/lineitems/{item.id}/lineitem?type_id=1"
    return f"{origin()}/api/lti/courses/1/line_items/{item.id}"


def memberships_url(state: LmsState) -> str:
    """Return the address of the course's people."""
    if state.dialect == "moodle":
        return f"{origin()}/mod/lti/services.php/CourseSection/2/bindings/1/memberships"
    return f"{origin()}/api/lti/courses/1/names_and_roles"
