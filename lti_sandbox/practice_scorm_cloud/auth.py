"""Authentication of API calls: Basic with app id and secret, or a bearer token with scopes."""

import hmac
from datetime import datetime

from flask import Blueprint, Response, jsonify, request
from itsdangerous import BadSignature, URLSafeSerializer

from lti_sandbox.practice_scorm_cloud.asking import json_body
from lti_sandbox.practice_scorm_cloud.cloud import Cloud, current_cloud
from lti_sandbox.practice_scorm_cloud.errors import ApiError

views = Blueprint("scorm_cloud_tokens", __name__)

TOKEN_PATHS = ("/oauth/authenticate/application/token", "/appManagement/token")
DEFAULT_LIFE_SECONDS = 300


def require_credentials() -> None:
    """Let a request to the API pass, or raise ApiError 401 or 403."""
    cloud = current_cloud()
    given = request.authorization
    if given is not None and given.type == "basic":
        if _is_ours(cloud, given.username or "", given.password or ""):
            return
        raise ApiError(401, "Authorization Required.")
    token_endpoint = request.path.endswith(TOKEN_PATHS)
    if given is not None and given.type == "bearer" and given.token and not token_endpoint:
        _require_scope(_scopes(cloud, given.token))
        return
    raise ApiError(401, "Authorization Required.")


@views.post("/oauth/authenticate/application/token")
def authenticate() -> Response:
    """Exchange Basic credentials for a bearer token, by form."""
    scope = request.form.get("scope", "").strip()
    if not scope:
        raise ApiError(400, "scope is required")
    try:
        seconds = int(request.form.get("expiration") or DEFAULT_LIFE_SECONDS)
    except ValueError:
        raise ApiError(400, "expiration is not a whole number of seconds.") from None
    token = _token(current_cloud(), scope.split(), current_cloud().now().timestamp() + seconds)
    return jsonify(access_token=token, expires_in=seconds, token_type="bearer")


@views.post("/appManagement/token")
def management_token() -> Response:
    """Exchange Basic credentials for a bearer token, by JSON."""
    body = json_body()
    permissions = body.get("permissions")
    if not isinstance(permissions, dict) or not isinstance(permissions.get("scopes"), list):
        raise ApiError(400, "permissions.scopes is required")
    try:
        expiry = datetime.fromisoformat(str(body.get("expiry")))
    except ValueError:
        raise ApiError(400, "expiry is required and is an ISO 8601 date") from None
    scopes = [str(scope) for scope in permissions["scopes"]]
    return jsonify(result=_token(current_cloud(), scopes, expiry.timestamp()))


def _is_ours(cloud: Cloud, app_id: str, secret_key: str) -> bool:
    return hmac.compare_digest(app_id.encode(), cloud.app_id.encode()) and hmac.compare_digest(
        secret_key.encode(), cloud.secret_key.encode()
    )


def _signer(cloud: Cloud) -> URLSafeSerializer:
    return URLSafeSerializer(cloud.secret_key, salt="practice SCORM Cloud bearer token")


def _token(cloud: Cloud, scopes: list[str], expires: float) -> str:
    token = _signer(cloud).dumps({"scopes": scopes, "expires": expires})
    return token.decode() if isinstance(token, bytes) else token


def _scopes(cloud: Cloud, token: str) -> set[str]:
    try:
        claims = _signer(cloud).loads(token)
    except BadSignature:
        raise ApiError(401, "Authorization Required.") from None
    faulty = cloud.control.happens(cloud.control.faults.expired_token_rate)
    if faulty or claims["expires"] <= cloud.now().timestamp():
        raise ApiError(401, "The token has expired.")
    return set(claims["scopes"])


def _require_scope(scopes: set[str]) -> None:
    verb, noun = _needed()
    if verb != "admin" and scopes & {"admin", verb, f"{verb}:{noun}"}:
        return
    # A write scope includes reading.
    if verb == "admin" and "admin" in scopes:
        return
    if verb == "read" and scopes & {"write", f"write:{noun}"}:
        return
    raise ApiError(403, f"The token lacks the scope {verb}:{noun}.")


def _needed() -> tuple[str, str]:
    path = request.path
    noun = "course" if "/courses" in path else "registration"
    if path.endswith("/delete-information"):
        return "admin", "learner"
    if request.method in ("GET", "HEAD") or path.endswith(("/launchLink", "/preview")):
        return "read", noun
    # Narrow scopes have `delete`; the broad `write` includes it.
    if request.method == "DELETE" and path.count("/") <= 4:
        return "delete", noun
    return "write", noun
