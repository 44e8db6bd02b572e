"""The two halves of the OIDC handshake: redirect to the LMS, and verify the launch it posts."""

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode, urlsplit, urlunsplit

from ..core.errors import LaunchRejected, Reason
from ..core.signing import Signer
from .claims import LaunchClaims, parse_claims
from .id_token import verify_id_token
from .keysets import KeySets
from .launch_state import (
    LaunchState,
    hash_secret,
    make_browser_secret,
    read_state,
    sign_state,
)
from .library import validate_message
from .replies import origin
from .values import PlatformValues

LAUNCH_PATH = "/lti/launch"
LOGIN_PARAMETERS = (
    "iss",
    "client_id",
    "login_hint",
    "target_link_uri",
    "lti_message_hint",
    "lti_deployment_id",
    "lti_storage_target",
)
OLDER_DEPLOYMENT = "deployment_id"
LAUNCH_PARAMETERS = ("state", "id_token")
MAX_PARAMETER = 8000
# lti_message_hint is often a token that contains the whole course context.
MAX_HINT = 16_000
HINTS = ("login_hint", "lti_message_hint")


@dataclass(frozen=True)
class Rules:
    """The tool's own URLs, and the lifetimes of logins."""

    public_url: str
    state_seconds: int
    leeway_seconds: float
    token_age_seconds: float


@dataclass(frozen=True)
class Login:
    """The redirect to the LMS, and the secret that the browser keeps until the launch."""

    url: str
    state: LaunchState
    browser_secret: str


@dataclass(frozen=True)
class VerifiedLaunch:
    """A launch that passed every check except that its nonce is unused."""

    claims: LaunchClaims
    platform: PlatformValues
    state: LaunchState


def refuse_repeated(
    sent: Iterable[tuple[str, Sequence[str]]], names: Sequence[str], reason: Reason
) -> None:
    """Raise LaunchRejected `reason` when a request brings one of `names` more than once.

    RFC 6749 section 3.1 forbids it: two components could each use a different value.
    """
    repeated = [name for name, values in sent if name in names and len(values) > 1]
    if repeated:
        raise LaunchRejected(reason, f"more than once: {', '.join(sorted(repeated))}")


def read_login(params: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters of a login request; raises LaunchRejected "login_incomplete".

    The deployment comes as `lti_deployment_id`, in older platforms as `deployment_id`.
    """
    raise_older_launch(params)
    found = {key: params.get(key, "") for key in LOGIN_PARAMETERS}
    found["lti_deployment_id"] = found["lti_deployment_id"] or params.get(OLDER_DEPLOYMENT, "")
    missing = [key for key in ("iss", "login_hint", "target_link_uri") if not found[key]]
    if missing:
        raise LaunchRejected(Reason.LOGIN_INCOMPLETE, ", ".join(missing))
    if any(
        len(text) > (MAX_HINT if key in HINTS else MAX_PARAMETER) for key, text in found.items()
    ):
        raise LaunchRejected(Reason.LOGIN_INCOMPLETE, "a parameter is too long")
    return {key: value for key, value in found.items() if value}


def begin_login(
    login: Mapping[str, str],
    platform: PlatformValues,
    *,
    rung: str,
    keep_in_storage: bool = False,
    kept: Iterable[str] = (),
    signer: Signer,
    now: datetime,
    rules: Rules,
) -> Login:
    """Create state, nonce and browser secret, and the authentication URL of the LMS.

    `login` comes from read_login; `keep_in_storage`: the secret goes to the LMS's storage target;
    `kept` are the browser's secrets of other logins. Writes nothing.
    """
    secret = make_browser_secret(now, kept)
    state = LaunchState(
        platform_id=platform.id,
        nonce=secrets.token_urlsafe(24),
        browser_hash=hash_secret(secret),
        issued_at=now.timestamp(),
        rung=rung,
        target_link_uri=login["target_link_uri"],
        storage_target=login.get("lti_storage_target") if keep_in_storage else None,
    )
    parameters = _authentication_request(login, platform, state, rules)
    parameters["state"] = sign_state(signer, state)
    return Login(_add_query(platform.authorization_url, parameters), state, secret)


def _authentication_request(
    login: Mapping[str, str], platform: PlatformValues, state: LaunchState, rules: Rules
) -> dict[str, str]:
    """Return the authentication request (1EdTech Security Framework 1.0, section 5.1.1.2)."""
    parameters = {
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
        "client_id": platform.client_id,
        # Constant and without a query: Moodle and Canvas compare it byte by byte.
        "redirect_uri": rules.public_url + LAUNCH_PATH,
        "login_hint": login["login_hint"],
        "nonce": state.nonce,
    }
    if "lti_message_hint" in login:
        parameters["lti_message_hint"] = login["lti_message_hint"]
    return parameters


def read_launch_state(form: Mapping[str, str], *, signer: Signer) -> LaunchState:
    """Return the state that a launch brings, however old. Raises LaunchRejected.

    An error posted by the platform takes precedence over a bad state.
    """
    try:
        return read_state(signer, form.get("state", ""))
    except LaunchRejected:
        raise_older_launch(form)
        raise_platform_error(form)
        raise


def verify_launch(
    form: Mapping[str, str],
    state: LaunchState,
    platform: PlatformValues,
    *,
    keysets: KeySets,
    now: datetime,
    rules: Rules,
) -> VerifiedLaunch:
    """Verify a launch, except for the browser, the deployment and the nonce's single use.

    Raises LaunchRejected. May fetch the platform's key set: no transaction may be open.
    """
    token = form.get("id_token", "")
    if not token:
        raise LaunchRejected(Reason.TOKEN_MISSING)
    payload = verify_id_token(
        token,
        platform=platform,
        nonce=state.nonce,
        keysets=keysets,
        now=now,
        leeway_seconds=rules.leeway_seconds,
        age_seconds=rules.token_age_seconds,
    )
    claims = parse_claims(payload)
    if origin(claims.target_link_uri) != origin(rules.public_url):
        raise LaunchRejected(Reason.WRONG_TARGET)
    validate_message(payload)
    return VerifiedLaunch(claims, platform, state)


def _add_query(url: str, parameters: Mapping[str, str]) -> str:
    parts = urlsplit(url)
    query = "&".join(part for part in (parts.query, urlencode(parameters)) if part)
    return urlunsplit(parts._replace(query=query, fragment=""))


def raise_older_launch(params: Mapping[str, str]) -> None:
    """Raise LaunchRejected "lti_1_1" for a launch of LTI 1.0 to 1.2, which has no login before it.

    They send version and message type as form fields (LTI 1.1.1 section 3).
    """
    older = params.get("lti_version", "").startswith(("LTI-1", "LTI-2"))
    if older or params.get("lti_message_type", "").startswith("basic-lti"):
        raise LaunchRejected(Reason.LTI_1_1)


def raise_platform_error(form: Mapping[str, str]) -> None:
    """Raise LaunchRejected for an `error` that the platform posts instead of an id_token.

    Moodle and Canvas do. Errors that users can act on have a reason of their own.
    """
    error = form.get("error", "")
    if not error:
        return
    shown = error if re.fullmatch(r"[a-z_]{1,40}", error) else "unnamed"
    reasons = {
        "login_required": Reason.LMS_LOGIN_REQUIRED,
        "interaction_required": Reason.LMS_LOGIN_REQUIRED,
        "launch_no_longer_valid": Reason.LMS_LAUNCH_USED,
        "access_denied": Reason.LMS_ACCESS_DENIED,
    }
    raise LaunchRejected(reasons.get(shown, Reason.LMS_REFUSED), shown)
