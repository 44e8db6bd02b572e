"""The user of the console: role, permissions and scope."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """An owner may do everything; a platform's admin may act on that platform."""

    OWNER = "owner"
    PLATFORM_ADMIN = "platform admin"


@dataclass(frozen=True)
class Scope:
    """What a user may see: everything, one platform, or one deployment of it."""

    platform_id: int | None = None
    deployment_id: int | None = None

    def covers(self, platform_id: int | None, deployment_id: int | None = None) -> bool:
        """Tell whether a platform, or a deployment of it, is in this scope.

        A scope of one deployment does not cover its platform as a whole.
        """
        if self.platform_id is None:
            return True
        if platform_id != self.platform_id:
            return False
        return self.deployment_id is None or self.deployment_id == deployment_id


@dataclass(frozen=True)
class Actor:
    """A signed-in user. `name` is the account's, or describes an LMS admin."""

    role: Role
    name: str
    session_id: int
    scope: Scope
    account_id: int | None = None
    sub: str | None = None  # an LMS admin's user id on the platform

    @property
    def is_owner(self) -> bool:
        """True for an owner of the bridge."""
        return self.role is Role.OWNER
