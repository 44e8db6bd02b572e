"""What is known so far of one request, for whatever page answers it."""

from dataclasses import dataclass

from ..lti.launch_state import LaunchState
from ..lti.roles import Visitor
from ..lti.values import PlatformValues

# What the page that asks the LMS's storage posts beside the launch.
SECRET_FIELD = "lti_bridge_secret"


@dataclass
class Visit:
    """What is known so far of one request, for the page that a failure shows."""

    correlation_id: str
    in_window: bool = False  # the browser says that it loads a whole window, no frame
    state: LaunchState | None = None
    platform: PlatformValues | None = None
    # What the LMS says of itself, verified or not.
    issuer: str = ""
    client_id: str = ""
    deployment_id: str = ""
    return_url: str | None = None
    locale: str | None = None
    visitor: Visitor | None = None
    launch_id: int | None = None
    resume_token: str = ""  # goes on with this launch after SCORM Cloud failed
    browser_secret: str = ""  # from the LMS's storage, where the browser keeps no cookie
