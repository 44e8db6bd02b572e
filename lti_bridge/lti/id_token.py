"""Verify an id_token: signature, times, issuer, audience and nonce, a reason for each failure."""

import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import jwt

from ..core.errors import LaunchRejected, Reason, Unavailable
from .keysets import KeySets
from .values import PlatformValues

ALGORITHM = "RS256"
MAX_CHARACTERS = 128 * 1024
DEEPEST = 20
NEEDED = ("exp", "iat", "nonce", "iss", "aud", "sub")
# Times are checked below with the database's time, issuer and audience with rules of our own.
SIGNATURE_ONLY = {
    "verify_signature": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


def verify_id_token(
    token: str,
    *,
    platform: PlatformValues,
    nonce: str,
    keysets: KeySets,
    now: datetime,
    leeway_seconds: float,
    age_seconds: float,
) -> dict[str, Any]:
    """Return the payload of a genuine token for this platform and login.

    Raises LaunchRejected with the reason of the first failed check.
    """
    payload = _check_signature(token, platform, keysets)
    missing = [name for name in NEEDED if payload.get(name) in (None, "")]
    if missing == ["sub"]:  # an anonymous launch, allowed by LTI 1.3 core section 5.3.6
        raise LaunchRejected(Reason.ANONYMOUS_LAUNCH)
    if missing:
        raise LaunchRejected(Reason.CLAIMS_MISSING, ", ".join(missing))
    if payload["iss"] != platform.issuer:
        raise LaunchRejected(Reason.WRONG_ISSUER)
    _check_audience(payload, platform.client_id)
    _check_times(payload, now.timestamp(), leeway_seconds, age_seconds)
    shown = payload["nonce"]
    # "replace": JSON may contain unpaired surrogates, which cannot be encoded.
    if not isinstance(shown, str) or not hmac.compare_digest(
        shown.encode(errors="replace"), nonce.encode()
    ):
        raise LaunchRejected(Reason.WRONG_NONCE)
    return payload


def _check_signature(token: str, platform: PlatformValues, keysets: KeySets) -> dict[str, Any]:
    if len(token) > MAX_CHARACTERS:
        raise LaunchRejected(Reason.TOKEN_MALFORMED, "too long")
    try:
        # Only the header: given the whole token, PyJWT would decode it here and again below.
        header = jwt.get_unverified_header(token.partition(".")[0] + "..")
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise LaunchRejected(Reason.TOKEN_MALFORMED) from error
    if header.get("alg") != ALGORITHM:
        raise LaunchRejected(Reason.WRONG_ALGORITHM)
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid:
        raise LaunchRejected(Reason.KEY_UNNAMED)
    try:
        key = keysets.find_key(platform.jwks_url, kid)
    except Unavailable as error:
        raise LaunchRejected(Reason.KEYS_UNAVAILABLE, str(error)) from error
    if key is None:
        raise LaunchRejected(Reason.UNKNOWN_KEY)
    try:
        payload = jwt.decode(token, key, algorithms=[ALGORITHM], options=_options())
        # JSON may contain unpaired surrogates, which no page and no database can hold.
        json.dumps(payload, ensure_ascii=False).encode()
    except jwt.InvalidSignatureError as error:
        raise LaunchRejected(Reason.BAD_SIGNATURE) from error
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise LaunchRejected(Reason.TOKEN_MALFORMED) from error
    if not _is_shallow(payload, DEEPEST):
        raise LaunchRejected(Reason.TOKEN_MALFORMED, "nested too deeply")
    return payload


def _is_shallow(value: Any, levels: int) -> bool:
    """Tell whether a payload is nested so little that recursion over it is safe."""
    if not isinstance(value, dict | list):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_is_shallow(one, levels - 1) for one in inner)


def _options() -> Any:
    return dict(SIGNATURE_ONLY)


def _check_audience(payload: Mapping[str, Any], client_id: str) -> None:
    audience = payload["aud"]
    audiences = [audience] if isinstance(audience, str) else audience
    if not isinstance(audiences, list) or client_id not in audiences:
        raise LaunchRejected(Reason.WRONG_AUDIENCE)
    party = payload.get("azp")
    # With several audiences, azp says which of them the token was issued to.
    if party is None and len(audiences) > 1:
        raise LaunchRejected(Reason.WRONG_AUDIENCE, "several audiences and no azp")
    if party is not None and party != client_id:
        raise LaunchRejected(Reason.WRONG_AUDIENCE, "azp is another client")


def _check_times(payload: Mapping[str, Any], now: float, leeway: float, age: float) -> None:
    expires, issued = _moment(payload, "exp"), _moment(payload, "iat")
    if expires + leeway <= now:
        raise LaunchRejected(Reason.TOKEN_EXPIRED, f"{now - expires:.0f} s ago")
    if issued - leeway > now:
        raise LaunchRejected(Reason.TOKEN_FROM_FUTURE, f"{issued - now:.0f} s ahead")
    if now - issued > age + leeway:
        raise LaunchRejected(Reason.TOKEN_TOO_OLD, f"{now - issued:.0f} s old")
    if payload.get("nbf") is not None and _moment(payload, "nbf") - leeway > now:
        raise LaunchRejected(Reason.TOKEN_FROM_FUTURE, "nbf")


def _moment(payload: Mapping[str, Any], name: str) -> float:
    value = payload[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e11:
        raise LaunchRejected(Reason.BAD_CLAIMS, f"{name} is not a time")
    return float(value)
