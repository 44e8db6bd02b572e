"""How hard one platform may be worked from this process: few posts at once, rest after failures."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ...core.config import PassbackSettings
from ...lms.base import Lms

# A post of an unknown LMS is taken to last so long; then its own posts tell.
GUESS_SECONDS = 0.1
SOONEST_SECONDS, LATEST_SECONDS = 0.02, 20.0
NEWS = 0.2  # how much the newest post counts against those before


@dataclass
class _Platform:
    at_once: int
    under_way: int = 0
    failures: int = 0
    rests_until: datetime | None = None
    post_seconds: float = GUESS_SECONDS
    turns_given_to: datetime | None = None
    begun: tuple[datetime, ...] = ()


class PlatformGate:
    """Says for each platform whether a post may start now, or when to come back.

    One slow or dead LMS must never hold the threads that serve the others, so nobody waits here:
    a lease that may not start is rescheduled. Whoever finds the gate full gets a turn of their
    own, as far ahead as the posts before it will take: a backlog does not come back all at once.
    """

    def __init__(self, settings: PassbackSettings, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._now = now
        self._lock = threading.Lock()
        self._platforms: dict[int, _Platform] = {}

    def find_turn(self, platform_id: int) -> float:
        """Return 0 when it is worth to prepare a post, else the seconds after which to come back.

        Takes no place. A platform that rests is none of this: `enter` says for how long.
        """
        with self._lock:
            platform = self._platforms.get(platform_id)
            if platform is None or platform.rests_until is not None:
                return 0.0
            return self._turn(platform) if platform.under_way >= platform.at_once else 0.0

    def enter(self, platform_id: int, lms: Lms) -> float:
        """Take a place and return 0; or return the seconds after which to try again."""
        cap = lms.parallel_posts(self._settings)
        with self._lock:
            platform = self._platforms.setdefault(platform_id, _Platform(cap))
            platform.at_once = cap
            if platform.rests_until is not None:
                rest = (platform.rests_until - self._now()).total_seconds()
                # When the rest is over, one probe at a time goes through.
                if rest > 0 or platform.under_way:
                    return max(rest, self._turn(platform))
            if platform.under_way >= cap:
                return self._turn(platform)
            platform.under_way += 1
            platform.begun = (*platform.begun, self._now())
            return 0.0

    def _turn(self, platform: _Platform) -> float:
        now = self._now()
        between = timedelta(seconds=platform.post_seconds / platform.at_once)
        platform.turns_given_to = max(now, platform.turns_given_to or now) + between
        wait = (platform.turns_given_to - now).total_seconds()
        if wait > LATEST_SECONDS:
            platform.turns_given_to = now
        return min(max(wait, SOONEST_SECONDS), LATEST_SECONDS)

    def leave(self, platform_id: int, *, answered: bool, wait_seconds: float | None = None) -> None:
        """Give the place back. A platform that fails k times in a row rests, longer each time.

        `wait_seconds` is a pause that the platform itself asked for.
        """
        with self._lock:
            platform = self._platforms[platform_id]
            platform.under_way -= 1
            # Whose post began first does not matter: all together say how long they take.
            began, platform.begun = platform.begun[0], platform.begun[1:]
            took = (self._now() - began).total_seconds()
            platform.post_seconds += NEWS * (took - platform.post_seconds)
            if answered:
                platform.failures, platform.rests_until = 0, None
            else:
                platform.failures += 1
                self._rest(platform)
            if wait_seconds:
                platform.rests_until = self._now() + timedelta(seconds=wait_seconds)

    def _rest(self, platform: _Platform) -> None:
        beyond = platform.failures - self._settings.rest_after_failures
        if beyond < 0:
            return
        seconds = min(
            self._settings.rest_seconds * 2.0 ** min(beyond, 20), self._settings.rest_seconds_max
        )
        platform.rests_until = self._now() + timedelta(seconds=seconds)
