"""Continue a launch after SCORM Cloud failed: its nonce is consumed, so no second id_token."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..core.db import db, reading
from ..core.errors import LaunchRejected, Reason
from ..core.signing import BadToken
from ..lti.launch_state import LaunchState, cookie_name, same_secret
from ..lti.values import PlatformValues
from ..platforms.registry import get_platform
from ..registrations.models import Launch
from ..services import Services

PURPOSE = "resume"


@dataclass(frozen=True)
class Resume:
    """A launch to continue, and the cookie that proved the browser."""

    launch_id: int
    cookie: str
    platform: PlatformValues
    return_url: str | None
    locale: str | None


def sign_resume(services: Services, launch_id: int, state: LaunchState) -> str:
    """Return a token that continues a launch in the same browser."""
    values = [launch_id, cookie_name(state), state.browser_hash]
    return services.signer.sign(PURPOSE, values)


def read_resume(
    services: Services, token: str, cookies: Mapping[str, str], secret: str = ""
) -> Resume:
    """Return the launch to continue; raises LaunchRejected "resume_invalid".

    Valid while the browser has the login's cookie; `secret` is the posted secret when the LMS's
    platform storage held it instead.
    """
    try:
        launch_id, cookie, browser_hash = services.signer.unsign(PURPOSE, token)
    except (BadToken, ValueError, TypeError) as error:
        raise LaunchRejected(Reason.RESUME_INVALID) from error
    if not same_secret(browser_hash, secret or cookies.get(cookie)):
        raise LaunchRejected(Reason.RESUME_INVALID)
    with reading():
        launch = db.session.get(Launch, launch_id)
        if launch is None:
            raise LaunchRejected(Reason.RESUME_INVALID)
        platform = get_platform(launch.registration.learner.platform_id)
    return Resume(launch_id, cookie, platform, launch.return_url, launch.locale)
