"""The objects that all packages share at run time, created once by app.py."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, cast

from flask import current_app

from .core.config import Settings
from .core.events import Events
from .core.http.session import Outbound
from .core.signing import Signer
from .lti.gradebook import Gradebook
from .lti.keysets import KeySets
from .lti.memberships import Memberships
from .lti.tokens import AccessTokens
from .lti.values import PlatformValues
from .queue.engine import TaskQueue
from .scorm_cloud.client import ScormCloudClient
from .scorm_cloud.concurrency import CallSlots

if TYPE_CHECKING:
    from .platforms.accounts import Account

EXTENSION = "lti_bridge"


@dataclass(frozen=True)
class Services:
    """Settings, time, clients and keys of one process."""

    settings: Settings
    now: Callable[[], datetime]
    outbound: Outbound
    signer: Signer
    queue: TaskQueue
    keysets: KeySets
    tokens: AccessTokens
    gradebook: Gradebook
    memberships: Memberships
    scorm_cloud: Callable[["Account"], ScormCloudClient]
    call_slots: CallSlots
    events: Events
    # Cached rows: a launch is verified with these, without a query, and compared with the row in
    # its own transaction (launches/verify_launch.py).
    platforms: dict[int, PlatformValues] = field(default_factory=dict)

    @property
    def is_secure(self) -> bool:
        """True for https, without which cookies cannot work in a cross-site frame."""
        return self.settings.public_url.startswith("https://")


def current_services() -> Services:
    """Return the Services of the app that handles this request or task."""
    return cast(Services, current_app.extensions[EXTENSION])
