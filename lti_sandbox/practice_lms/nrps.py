"""Names and Role Provisioning: the members of the course, paged, in each dialect."""

import json
from typing import Any

from flask import Blueprint, Response, request

from lti_sandbox.practice_lms.addresses import memberships_url, origin
from lti_sandbox.practice_lms.current import current_lms
from lti_sandbox.practice_lms.scopes import NRPS
from lti_sandbox.practice_lms.service_guard import calling_client, refusal, token_problem
from lti_sandbox.practice_lms.state import MEMBERSHIP, MEMBERSHIP_PART, LmsState, Person

canvas = Blueprint("nrps", __name__)
moodle = Blueprint("nrps", __name__)

MEMBERS_TYPE = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"


@canvas.get("/api/lti/courses/<course>/names_and_roles")
@moodle.get("/mod/lti/services.php/CourseSection/<course>/bindings/<tool>/memberships")
def memberships(course: str, tool: str = "") -> Response:
    """List the members of the course, a page at a time when asked."""
    state = current_lms()
    if state.dialect == "canvas" and not request.headers.get("User-Agent"):
        return Response("<html><body>403 Forbidden</body></html>", 403)
    problem = token_problem(state, f"{NRPS}scope/contextmembership.readonly")
    if problem is not None:
        return refusal(state, problem, "Unauthorized")
    accept = request.headers.get("Accept", "")
    if state.dialect == "moodle" and MEMBERS_TYPE not in accept and "*/*" not in accept:
        return refusal(state, 400, "No handler found for the request")
    with state.lock:
        members = (p for p in state.people.values() if p.is_member)
        people = [p for p in members if p.key not in state.unenrolled and _fits(state, p)]
        client = calling_client(state)
        names = state.tools[client].shares_names
    start, size = _page(len(people))
    shown = [_member(state, person, names) for person in people[start : start + size]]
    body = {"id": memberships_url(state), "context": {"id": state.context_id}, "members": shown}
    headers = {}
    if start + size < len(people):
        following = f"{origin()}{request.path}?limit={size}&from={start + size}"
        headers["Link"] = f'<{following}>; rel="next"'
    return Response(json.dumps(body), 200, headers, content_type=MEMBERS_TYPE)


def _fits(state: LmsState, person: Person) -> bool:
    """Tell whether a person has the role that was asked for, by short name or address."""
    wanted = request.args.get("role")
    if wanted is None:
        return True
    names = (wanted, MEMBERSHIP + wanted, wanted.removeprefix(MEMBERSHIP))
    return any(role in names for role in _listed_roles(state, person))


def _listed_roles(state: LmsState, person: Person) -> list[str]:
    """Return a member's roles as the roster has them.

    Moodle writes short names, and lists a non-editing teacher as a learner (measured on 4.5.6).
    """
    if state.dialect != "moodle":
        return list(person.roles)
    if any(role.startswith(MEMBERSHIP_PART) for role in person.roles):
        return ["Learner"]
    return [role.removeprefix(MEMBERSHIP) for role in person.roles if role.startswith(MEMBERSHIP)]


def _page(count: int) -> tuple[int, int]:
    limit, start = request.args.get("limit", ""), request.args.get("from", "")
    size = int(limit) if limit.isdigit() and int(limit) else max(count, 1)
    return (int(start) if start.isdigit() else 0), size


def _member(state: LmsState, person: Person, names: bool) -> dict[str, Any]:
    roles = _listed_roles(state, person)
    member: dict[str, Any] = {"status": "Active", "user_id": person.sub, "roles": roles}
    if names:
        member |= {"name": person.name, "given_name": person.given, "family_name": person.family}
        member["email"] = person.email
    return member
