"""URLs that SCORM Cloud calls: a launch's exit URL, a registration's postback URL."""

from dataclasses import dataclass

from ..core.signing import BadToken
from ..services import Services

EXIT, POSTBACK = "exit", "postback"
USER_NAME = "scorm-cloud"


@dataclass(frozen=True)
class PostbackAddress:
    """A registration's postback URL, and its Basic credentials."""

    url: str
    user_name: str
    password: str


def exit_url(services: Services, launch_id: int) -> str:
    """Return the URL to which SCORM Cloud redirects the browser at the exit of a launch."""
    token = services.signer.sign(EXIT, launch_id)
    return f"{services.settings.public_url}/exit/{token}"


def read_exit_token(services: Services, token: str) -> int:
    """Return the launch id; raises BadToken. Never expires: a learner may take days."""
    launch_id = services.signer.unsign(EXIT, token)
    if not isinstance(launch_id, int):
        raise BadToken("this is not an exit token of ours")
    return launch_id


def postback_address(services: Services, registration_id: str) -> PostbackAddress:
    """Return a registration's postback URL.

    The password is derived from the secret key, so it survives a lost database.
    """
    token = services.signer.sign(POSTBACK, registration_id)
    password = services.signer.derive(POSTBACK, registration_id)
    return PostbackAddress(f"{services.settings.public_url}/postback/{token}", USER_NAME, password)


def read_postback_token(services: Services, token: str) -> str:
    """Return the registration id of a postback URL; raises BadToken."""
    return str(services.signer.unsign(POSTBACK, token))


def postback_is_genuine(
    services: Services, registration_id: str, user_name: str, password: str
) -> bool:
    """Check a postback's credentials in constant time."""
    return services.signer.matches(POSTBACK, registration_id, password) & (user_name == USER_NAME)
