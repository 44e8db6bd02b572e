"""Who uses the console, what their role lets them do, and how far it reaches."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """An owner may do everything; a platform's admin what concerns that platform."""

    OWNER = "owner"
    PLATFORM_ADMIN = "platform admin"


@dataclass(frozen=True)
class Scope:
    """What of the bridge somebody sees: all, one platform, or one deployment of it."""

    platform_id: int | None = None
    deployment_id: int | None = None

    def covers(self, platform_id: int | None, deployment_id: int | None = None) -> bool:
        """Tell whether a platform, or a deployment of one, lies inside.

        A platform as a whole lies outside of somebody whose scope is one deployment.
        """
        if self.platform_id is None:
            return True
        if platform_id != self.platform_id:
            return False
        return self.deployment_id is None or self.deployment_id == deployment_id


@dataclass(frozen=True)
class Actor:
    """Somebody who is signed in. `name` is the account's, or says which admin of which LMS."""

    role: Role
    name: str
    session_id: int
    scope: Scope
    account_id: int | None = None
    sub: str | None = None  # an LMS admin's user id at the scope's platform

    @property
    def is_owner(self) -> bool:
        """Whether this is an owner of the bridge."""
        return self.role is Role.OWNER
