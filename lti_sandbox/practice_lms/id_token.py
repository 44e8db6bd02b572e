"""The id_token of a launch, with each dialect's claims."""

import secrets
from typing import Any

import jwt

from lti_sandbox.practice_lms.addresses import (
    line_item_url,
    line_items_url,
    memberships_url,
    origin,
)
from lti_sandbox.practice_lms.scopes import AGS, NRPS, scopes_of
from lti_sandbox.practice_lms.state import Activity, LineItem, LmsState, PendingLaunch, ToolSpec

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
DL = "https://purl.imsglobal.org/spec/lti-dl/"
RESOURCE_LINK, DEEP_LINKING = "LtiResourceLinkRequest", "LtiDeepLinkingRequest"
SUBMISSION_REVIEW = "LtiSubmissionReviewRequest"
TOKEN_LIFE = {"moodle": 60, "canvas": 3600}
# Canvas leaves this variable unsubstituted unless an admin acts as another user.
MASQUERADING_USER = "$Canvas.masqueradingUser.id"


def id_token(state: LmsState, tool: ToolSpec, launch: PendingLaunch, nonce: str) -> str:
    """Return the id_token of a launch."""
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
    """Return the settings as sent: Moodle without data, Canvas for one assignment at a time."""
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
