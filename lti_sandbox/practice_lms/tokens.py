"""Access tokens for tools: client credentials, as strict as each dialect is."""

import json
import secrets
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import jwt
from flask import Blueprint, Response, request
from jwt import PyJWKSet

from lti_sandbox.practice_lms.addresses import CANVAS, MOODLE
from lti_sandbox.practice_lms.current import current_control, current_lms
from lti_sandbox.practice_lms.scopes import scopes_of
from lti_sandbox.practice_lms.state import LmsState, ToolSpec

canvas = Blueprint("tokens", __name__)
moodle = Blueprint("tokens", __name__)

LIFE_SECONDS = 3600
JWKS_SECONDS = 5.0
NO_SUCH_CLIENT = "no tool has this client id"
NO_PARAMETERS = "grant_type and scope are needed"
NO_SUCH_GRANT = "The grant_type you requested is not currently supported"
# https://github.com/instructure/canvas-lms/blob/master/lib/canvas/oauth/invalid_scope_error.rb
TOO_MUCH = (
    "A requested scope is invalid, unknown, malformed, or exceeds the scope granted by the "
    "resource owner. The following scopes were requested, but not granted:"
)
NO_KID = "kid must be provided in JWT header"
NO_SUCH_KEY = "the tool's key set does not hold this key"
BAD_SIGNATURE = "Signature verification failed"
CANVAS_WORDS = {
    BAD_SIGNATURE: "JWS signature invalid.",
    NO_SUCH_KEY: f"JWK Error: {NO_SUCH_KEY}",
}
_fetcher = build_opener(ProxyHandler({}))


class BadAssertion(Exception):
    """The client assertion is not accepted; the text goes into the answer."""


@canvas.post(CANVAS.token)
@moodle.post(MOODLE.token)
def token() -> Response:
    """Exchange a tool's client assertion for an access token."""
    state = current_lms()
    if state.dialect == "canvas" and not request.headers.get("User-Agent"):
        return Response("<html><body>403 Forbidden</body></html>", 403)
    form = request.form
    if "grant_type" not in form or "scope" not in form:
        return _error("invalid_request", _told(state, NO_PARAMETERS))
    if form["grant_type"] != "client_credentials":
        return _error("unsupported_grant_type", _told(state, NO_SUCH_GRANT))
    try:
        tool = _check(state, form.get("client_assertion", ""))
    except BadAssertion as problem:
        return _refuse_assertion(state, str(problem))
    return _grant(state, tool, form["scope"].split())


def _grant(state: LmsState, tool: ToolSpec, asked: list[str]) -> Response:
    permitted = scopes_of(tool)
    granted = [scope for scope in asked if scope in permitted]
    # Moodle drops what it does not permit; Canvas refuses the whole request.
    if not granted or (state.dialect == "canvas" and len(granted) < len(asked)):
        missing = ", ".join(scope for scope in asked if scope not in permitted)
        return _error("invalid_scope", _told(state, f"{TOO_MUCH} {missing}"))
    control = current_control()
    life = 0 if control.happens(control.faults.expired_token_rate) else LIFE_SECONDS
    text = secrets.token_hex(16)
    with state.lock:
        state.tokens[text] = (tool.client_id, state.now() + life, frozenset(granted))
    answer = {
        "access_token": text,
        "token_type": "Bearer",
        "expires_in": LIFE_SECONDS,
        "scope": " ".join(granted),
    }
    kind = "text/html; charset=utf-8" if state.dialect == "moodle" else "application/json"
    return Response(json.dumps(answer), content_type=kind)


def _told(state: LmsState, text: str) -> str:
    """Return the error; Canvas adds `error_description`, Moodle only has the code."""
    return text if state.dialect == "canvas" else ""


def _refuse_assertion(state: LmsState, text: str) -> Response:
    """Canvas answers 401; Moodle always 400 with the text, and once with broken JSON."""
    if state.dialect == "canvas":
        return _error("invalid_client", CANVAS_WORDS.get(text, text), 401)
    if text == NO_SUCH_CLIENT:
        return _error("invalid_client")
    if text == NO_SUCH_KEY:
        broken = '{\n  "error" : ""kid" invalid, unable to lookup correct key"\n}'
        return Response(broken, 400, content_type="application/json")
    if text == NO_KID:
        return _error(f"error/Error: {text}.")
    return _error(text)


def _error(code: str, text: str = "", status: int = 400) -> Response:
    body = {"error": code} | ({"error_description": text} if text else {})
    return Response(json.dumps(body), status, content_type="application/json")


def _check(state: LmsState, assertion: str) -> ToolSpec:
    """Return the tool that an assertion proves; the dialect's rules, zero leeway."""
    try:
        header = jwt.get_unverified_header(assertion)
        unverified = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.PyJWTError as problem:
        raise BadAssertion("the assertion is not a JWT") from problem
    tool = state.tools.get(str(unverified.get("sub")))
    if tool is None:
        raise BadAssertion(NO_SUCH_CLIENT)
    if not header.get("kid"):
        raise BadAssertion(NO_KID)
    claims = verify_signature(tool, assertion, str(header["kid"]))
    now = state.now()
    if state.dialect == "moodle":
        if claims.get("iat", 0) > now:
            raise BadAssertion(f"Cannot handle token with iat prior to {claims['iat']}")
        if claims.get("exp", now + 1) <= now:
            raise BadAssertion("Expired token")
        return tool
    _check_canvas(state, tool, claims, now)
    return tool


def _check_canvas(state: LmsState, tool: ToolSpec, claims: dict[str, Any], now: float) -> None:
    for name in ("iss", "sub", "aud", "iat", "exp", "jti"):
        if name not in claims:
            raise BadAssertion(f"the assertion lacks {name}")
    if claims["iss"] != tool.client_id or not claims["exp"] > now:
        raise BadAssertion("the assertion is not valid")
    if not now - 300 <= claims["iat"] <= now + 30:
        raise BadAssertion("the assertion's iat is too old or in the future")
    with state.lock:
        if claims["jti"] in state.seen_jtis:
            raise BadAssertion("the assertion's jti was used before")
        state.seen_jtis.add(claims["jti"])


def verify_signature(tool: ToolSpec, assertion: str, kid: str) -> dict[str, Any]:
    """Return the claims of a JWT that the tool's key set verifies; raises BadAssertion."""
    try:
        with _fetcher.open(tool.jwks_url, timeout=JWKS_SECONDS) as answer:
            keys = PyJWKSet.from_json(answer.read().decode())
        key = next(k for k in keys.keys if k.key_id == kid)
        verified: dict[str, Any] = jwt.decode(
            assertion,
            key.key,
            algorithms=["RS256"],
            options={"verify_exp": False, "verify_iat": False, "verify_aud": False},
        )
    except (URLError, OSError, StopIteration, ValueError) as problem:
        raise BadAssertion(NO_SUCH_KEY) from problem
    except jwt.PyJWTError as problem:
        raise BadAssertion(BAD_SIGNATURE) from problem
    return verified
