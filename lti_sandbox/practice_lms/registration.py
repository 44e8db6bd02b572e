"""Dynamic registration, the LMS's side: its configuration, and registrations of tools."""

import json
import secrets
from typing import Any
from urllib.parse import urlsplit

import jwt
from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from lti_sandbox.practice_lms.addresses import CANVAS, MOODLE, PATHS, origin
from lti_sandbox.practice_lms.current import current_lms
from lti_sandbox.practice_lms.scopes import ALL_SCOPES
from lti_sandbox.practice_lms.state import LmsState, ToolSpec

canvas = Blueprint("registration", __name__)
moodle = Blueprint("registration", __name__)

TOOL = "https://purl.imsglobal.org/spec/lti-tool-configuration"
PLATFORM = "https://purl.imsglobal.org/spec/lti-platform-configuration"
CANVAS_PREFIX = "https://canvas.instructure.com/lti/"
TOKEN_SECONDS = 3600
NOT_FOUND = "<html><head><title>404</title></head><body>Not found</body></html>"


class Refused(Exception):
    """A registration is refused with a status and the dialect's plain text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@canvas.get(CANVAS.configuration)
@moodle.get(MOODLE.configuration)
def openid_configuration() -> ResponseReturnValue:
    """Return the platform's configuration; Canvas requires a registration token."""
    state = current_lms()
    header = request.headers.get("Authorization", "")
    if state.dialect == "canvas" and _token_of(state, header) is None:
        return Response("Unauthorized", 401)
    return _configuration(state)


@canvas.post(CANVAS.registration)
@moodle.post(MOODLE.registration)
def register() -> Response:
    """Register the tool that describes itself, or refuse it in the dialect's words."""
    try:
        return _register(current_lms())
    except Refused as problem:
        kind = "text/html" if str(problem) == NOT_FOUND else "text/plain"
        return Response(str(problem), problem.status, mimetype=kind)


def new_registration_token(state: LmsState) -> str:
    """Return a token for one registration: one hour, used once."""
    client_id = secrets.token_hex(8)[:15]
    jti = secrets.token_hex(8)
    with state.lock:
        state.registration_tokens[jti] = (client_id, False)
    now = int(state.now())
    claims = {"sub": client_id, "scope": "reg", "jti": jti, "iat": now, "exp": now + TOKEN_SECONDS}
    return jwt.encode(claims, state.key, algorithm="RS256", headers={"kid": state.kid})


def _token_of(state: LmsState, header: str) -> dict[str, Any] | None:
    """Return the claims of a registration token of ours, None for anything else."""
    kind, _, text = header.partition(" ")
    try:
        claims: dict[str, Any] = jwt.decode(text, state.key.public_key(), algorithms=["RS256"])
    except jwt.PyJWTError:
        return None
    return claims if kind == "Bearer" and claims.get("jti") in state.registration_tokens else None


def _configuration(state: LmsState) -> dict[str, Any]:
    where = PATHS[state.dialect]
    messages = [
        {"type": "LtiResourceLinkRequest"},
        {"type": "LtiDeepLinkingRequest", "placements": ["ContentArea"]},
    ]
    if state.dialect == "canvas":
        placements = [
            f"{CANVAS_PREFIX}{name}" for name in ("assignment_selection", "link_selection")
        ]
        messages[1] = {"type": "LtiDeepLinkingRequest", "placements": placements}
    return {
        "issuer": origin(),
        "authorization_endpoint": origin() + where.authorization,
        "token_endpoint": origin() + where.token,
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
        "jwks_uri": origin() + where.jwks,
        "registration_endpoint": origin() + where.registration,
        "scopes_supported": ["openid", *ALL_SCOPES],
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public", "pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": ["sub", "iss", "name", "given_name", "family_name", "email"],
        PLATFORM: {
            "product_family_code": state.dialect,
            "version": "4.5.6 (Build: 20250811)" if state.dialect == "moodle" else "vCloud",
            "messages_supported": messages,
            "variables": ["CourseSection.timeFrame.begin", "Context.id.history"],
        },
    }


def _register(state: LmsState) -> Response:
    client_id, jti = _spend_token(state)
    wanted = request.get_json(silent=True)
    if not isinstance(wanted, dict):
        raise Refused(404, NOT_FOUND)
    tool = _read_tool(wanted)
    tool.client_id = client_id
    if state.dialect == "moodle":
        tool.active = False  # "Pending" until the admin clicks Activate
    with state.lock:
        state.connect(tool)
        state.registration_tokens[jti] = (client_id, True)
    configuration = dict(wanted[TOOL])
    # Moodle claims more scopes than it grants; Canvas names no deployment.
    scope = str(wanted.get("scope", ""))
    if state.dialect == "moodle":
        configuration["deployment_id"] = tool.deployment_id
        scope = " ".join(ALL_SCOPES)
    answer = {**wanted, "client_id": client_id, "scope": scope, TOOL: configuration}
    return Response(json.dumps(answer), 200, content_type="application/json")


def _spend_token(state: LmsState) -> tuple[str, str]:
    header = request.headers.get("Authorization", "")
    if not header.startswith("Bearer "):
        raise Refused(401, "missing_registration_token")
    claims = _token_of(state, header)
    if claims is None:
        raise Refused(404, NOT_FOUND)
    client_id, used = state.registration_tokens[claims["jti"]]
    if used:
        raise Refused(401, "token_already_used")
    return client_id, str(claims["jti"])


def _read_tool(wanted: dict[str, Any]) -> ToolSpec:
    """Check the client metadata as Moodle does, with its words."""
    for name in ("response_types", "initiate_login_uri", "redirect_uris", "client_name"):
        if not wanted.get(name):
            raise Refused(400, f"missing required attribute {name}")
    if not wanted.get("jwks_uri"):
        raise Refused(400, "missing required attribute jwks_uri")
    if "id_token" not in wanted["response_types"]:
        raise Refused(400, "invalid_response_types")
    if wanted.get("token_endpoint_auth_method") != "private_key_jwt":
        raise Refused(400, "invalid_token_endpoint_auth_method")
    if not isinstance(wanted["redirect_uris"], list):
        raise Refused(400, "invalid_redirect_uris")
    configuration = wanted.get(TOOL)
    if not isinstance(configuration, dict) or not configuration.get("domain"):
        raise Refused(400, "missing_domain")
    target = str(configuration.get("target_link_uri") or f"https://{configuration['domain']}")
    if urlsplit(target).netloc != configuration["domain"]:
        raise Refused(400, "domain_targetlinkuri_mismatch")
    claims = configuration.get("claims") or []
    return ToolSpec(
        str(wanted["client_name"]),
        str(wanted["initiate_login_uri"]),
        [str(uri) for uri in wanted["redirect_uris"]],
        str(wanted["jwks_uri"]),
        target_link_uri=target,
        # The token endpoint grants what was asked for, whatever the answer above says.
        scopes=[s for s in str(wanted.get("scope", "")).split() if s in ALL_SCOPES] or ["none"],
        custom={str(k): str(v) for k, v in (configuration.get("custom_parameters") or {}).items()},
        shares_names="name" in claims or "given_name" in claims,
    )
