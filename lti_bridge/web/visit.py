"""What is known about one request, for the page that answers it."""

from dataclasses import dataclass

from ..lti.launch_state import LaunchState
from ..lti.roles import Visitor
from ..lti.values import PlatformValues

# Form field in which the platform storage page posts the browser's secret.
SECRET_FIELD = "lti_bridge_secret"


@dataclass
class Visit:
    """What is known so far about one login or launch, for its error page."""

    correlation_id: str
    in_window: bool = False  # a whole window, not a frame, by Sec-Fetch-Dest
    state: LaunchState | None = None
    platform: PlatformValues | None = None
    # Claimed by the request, verified or not.
    issuer: str = ""
    client_id: str = ""
    deployment_id: str = ""
    return_url: str | None = None
    locale: str | None = None
    visitor: Visitor | None = None
    launch_id: int | None = None
    resume_token: str = ""  # continues this launch after SCORM Cloud failed
    browser_secret: str = ""  # from platform storage, without cookies
