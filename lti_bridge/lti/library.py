"""The parts of pylti1p3 that are used, the same in both of its distributions."""

from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from pylti1p3.exception import LtiException
from pylti1p3.message_validators import get_validators

from ..core.errors import ConfigurationError, LaunchRejected, Reason
from .claims import DEEP_LINKING_CLAIM
from .values import PlatformValues, SigningKey

if TYPE_CHECKING:
    from pylti1p3.registration import Registration

LINK_TYPE = "ltiResourceLink"
DISTRIBUTIONS = ("PyLTI1p3", "pylti1p3next")
_validators: Callable[[], list[Any]] = get_validators


def check_library() -> str:
    """Return the name and version of the one installed distribution of `pylti1p3`.

    Both install into the same folder and overwrite each other's files. Raises ConfigurationError
    when both are installed, or none.
    """
    found = []
    for name in DISTRIBUTIONS:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    if len(found) != 1:
        raise ConfigurationError(
            "exactly one of PyLTI1p3 and pylti1p3next must be installed; found "
            + (" and ".join(found) or "none")
        )
    return found[0]


def validate_message(payload: Mapping[str, Any]) -> None:
    """Let the library check what each message type must carry; raises LaunchRejected."""
    payload = _accepting_links(payload)
    fitting = [validator for validator in _validators() if validator.can_validate(payload)]
    if len(fitting) != 1:
        raise LaunchRejected(Reason.UNKNOWN_MESSAGE)
    try:
        fitting[0].validate(payload)
    except LtiException as error:
        raise LaunchRejected(Reason.BAD_MESSAGE, str(error)) from error
    except (AttributeError, TypeError) as error:
        raise LaunchRejected(Reason.BAD_MESSAGE, "a claim has the wrong shape") from error


def _accepting_links(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Let a deep linking request pass that does not accept links.

    The library would fail the launch; the platform should get a response that says why.
    """
    settings = payload.get(DEEP_LINKING_CLAIM)
    types = settings.get("accept_types") if isinstance(settings, Mapping) else None
    if not isinstance(settings, Mapping) or not isinstance(types, list):
        return payload
    return {**payload, DEEP_LINKING_CLAIM: {**settings, "accept_types": [*types, LINK_TYPE]}}


def registration(platform: PlatformValues) -> "Registration":
    """Return the library's view of a platform; a fresh one each time, as it is mutable."""
    from pylti1p3.registration import Registration  # brings jwcrypto, which no launch needs

    made = Registration()
    made.set_issuer(platform.issuer).set_client_id(platform.client_id)
    made.set_auth_login_url(platform.authorization_url).set_auth_token_url(platform.token_url)
    made.set_key_set_url(platform.jwks_url)
    made.set_auth_audience(platform.audience or platform.token_url)
    return made


def encode_jwt(platform: PlatformValues, claims: dict[str, Any], key: SigningKey) -> str:
    """Sign `claims` for `platform` with RS256."""
    from pylti1p3.service_connector import ServiceConnector  # as above

    connector = ServiceConnector(registration(platform))
    signed: str = connector.encode_jwt(claims, key.private_key, {"kid": key.kid})
    return signed
