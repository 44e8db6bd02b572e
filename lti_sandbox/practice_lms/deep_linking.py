"""Deep linking, the LMS's side: a teacher picks content, and the LMS accepts the response."""

from typing import Any

import jwt
from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from lti_sandbox.practice_lms.addresses import origin
from lti_sandbox.practice_lms.current import current_lms
from lti_sandbox.practice_lms.id_token import CLAIM, DL
from lti_sandbox.practice_lms.oidc import SESSION_COOKIE, deep_linking_form
from lti_sandbox.practice_lms.state import Activity, LmsState, ToolSpec
from lti_sandbox.practice_lms.tokens import BadAssertion, verify_signature

views = Blueprint("deep_linking", __name__)

LINK = "ltiResourceLink"
LONGEST_TITLE = 255
NOT_FOR_TEACHERS = "Only instructors and administrators add activities."


class BadAnswer(Exception):
    """The tool's answer is not accepted; the text is shown to the teacher."""


@views.get("/tools/<client_id>/pick")
def pick(client_id: str) -> ResponseReturnValue:
    """Show the page that frames a tool's picker."""
    state = current_lms()
    if client_id not in state.tools:
        return _problem("There is no such tool.", 404)
    return render_template("pick.html", tool=state.tools[client_id])


@views.get("/tools/<client_id>/pick/launch")
def launch(client_id: str) -> ResponseReturnValue:
    """Start the login of a teacher who picks content in a tool."""
    state = current_lms()
    person = state.people.get(request.cookies.get(SESSION_COOKIE, ""))
    if client_id not in state.tools:
        return _problem("There is no such tool.", 404)
    if person is None or person.gradable:
        return _problem(NOT_FOR_TEACHERS, 403)
    form = deep_linking_form(state, client_id, person)
    page = render_template("lms_post.html", action=form["action"], fields=form["fields"])
    return page, {"Cache-Control": "no-store"}


@views.post("/deep-link-return")
def come_back() -> ResponseReturnValue:
    """Add the items of the tool's response to the course, or show why it was refused."""
    state = current_lms()
    tool = state.tools.get(request.args.get("tool", ""))
    if tool is None:
        return _problem("The answer belongs to no tool of this LMS.", 400)
    try:
        claims = _verify(state, tool, request.form.get("JWT", ""))
        items = _items(state, claims)
    except (BadAnswer, BadAssertion) as problem:
        return _problem(f"The tool's answer was refused: {problem}", 400)
    told = [str(claims[f"{DL}claim/{name}"]) for name in ("msg", "errormsg") if _has(claims, name)]
    with state.lock:
        state.shown += told
        made = [_place(state, tool, item) for item in items]
    page = render_template("picked.html", activities=made, told=told)
    return Response(page, headers={"Cache-Control": "no-store"})


def _problem(text: str, status: int) -> tuple[str, int]:
    return render_template("lms_problem.html", problem=text), status


def _has(claims: dict[str, Any], name: str) -> bool:
    return bool(claims.get(f"{DL}claim/{name}"))


def _verify(state: LmsState, tool: ToolSpec, token: str) -> dict[str, Any]:
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        raise BadAnswer("it is not a JWT") from error
    if not header.get("kid"):
        raise BadAnswer("kid must be provided in JWT header")
    claims = verify_signature(tool, token, str(header["kid"]))
    if claims.get("iss") != tool.client_id:
        raise BadAnswer("its issuer is not the tool's client id")
    _check_times(state, claims)
    if state.dialect == "canvas":
        _check_canvas(state, tool, claims)
    return claims


def _check_times(state: LmsState, claims: dict[str, Any]) -> None:
    now = state.now()
    leeway = 0 if state.dialect == "moodle" else 30
    if claims.get("iat", 0) > now + leeway:
        raise BadAnswer(f"Cannot handle token with iat prior to {claims['iat']}")
    if claims.get("exp", 0) <= now:
        raise BadAnswer("Expired token")


def _check_canvas(state: LmsState, tool: ToolSpec, claims: dict[str, Any]) -> None:
    """Check what Canvas requires; Moodle checks none of it (measured)."""
    audience = claims.get("aud")
    if origin() not in (audience if isinstance(audience, list) else [audience]):
        raise BadAnswer("its audience is not this LMS")
    if claims.get(CLAIM + "deployment_id") != tool.deployment_id:
        raise BadAnswer("it names another deployment")
    if claims.get(CLAIM + "message_type") != "LtiDeepLinkingResponse":
        raise BadAnswer("it is no deep linking response")
    if not claims.get("nonce"):
        raise BadAnswer("it has no nonce")
    with state.lock:
        if state.deep_links.pop(claims.get(f"{DL}claim/data", ""), None) != tool.client_id:
            raise BadAnswer("its data is not what this LMS sent")


def _items(state: LmsState, claims: dict[str, Any]) -> list[dict[str, Any]]:
    found = claims.get(f"{DL}claim/content_items", [])
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise BadAnswer("its content items are no list of objects")
    if state.dialect == "canvas" and len(found) > 1:
        raise BadAnswer("one link is accepted here")
    for item in found:
        _check_item(state, item)
    return found


def _check_item(state: LmsState, item: dict[str, Any]) -> None:
    if item.get("type") != LINK:
        raise BadAnswer(f"this LMS takes items of type {LINK} only")
    if len(str(item.get("title", ""))) > LONGEST_TITLE:
        raise BadAnswer("the title is longer than 255 characters")
    maximum = (item.get("lineItem") or {}).get("scoreMaximum")
    if maximum is None:
        if "lineItem" in item:
            raise BadAnswer("a line item needs scoreMaximum")
        return
    whole = isinstance(maximum, int) or float(maximum).is_integer()
    if state.dialect == "moodle" and not (whole and 1 <= maximum <= 100):
        raise BadAnswer("Invalid grade value. This must be an integer between 1 and 100")


def _place(state: LmsState, tool: ToolSpec, item: dict[str, Any]) -> Activity:
    line_item = item.get("lineItem")
    activity = state.add_activity(
        str(item.get("title") or tool.name),
        tool.client_id,
        # Numbers and booleans become text; a newline would start another parameter (Moodle).
        {str(key): str(value) for key, value in (item.get("custom") or {}).items()},
        points=float(line_item["scoreMaximum"]) if line_item else 0.0,
        line_item="coupled" if line_item else "none",
        target_link_uri=str(item.get("url") or ""),
    )
    # Moodle ignores iframe and window of an item; Canvas opens a new tab for "_blank".
    wants_window = (item.get("window") or {}).get("targetName") == "_blank"
    activity.new_window = state.dialect == "canvas" and wants_window
    activity.reviewable = bool(line_item) and (
        state.dialect == "canvas" or "submissionReview" in (line_item or {})
    )
    for made in state.items_of(activity):
        made.tag = str((line_item or {}).get("tag", ""))
        made.resource_id = str((line_item or {}).get("resourceId", ""))
    return activity
