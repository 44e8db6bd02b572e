"""How hard one platform may be worked from this process: few posts at once, rest after failures."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ...core.config import PassbackSettings
from ...lms.base import Lms

# Whoever is called and does not come by then is waited for no longer.
COMES_WITHIN_SECONDS = 2.0


@dataclass
class _Platform:
    at_once: int
    under_way: int = 0
    failures: int = 0
    rests_until: datetime | None = None
    # Grades that found no place, in the order in which they came; a set with an order.
    waiting: dict[int, None] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """What a grade is told that asks for a place: it has one, waits to be called, or comes back.

    `rests_until` is when a platform that failed may be asked again.
    """

    granted: bool = False
    rests_until: datetime | None = None


class PlatformGate:
    """Says for each platform whether a post may start now, or when to come back.

    One slow or dead LMS must never hold the threads that serve the others, so nobody waits here:
    a grade that finds no place is remembered once, and whoever leaves calls the next. A call can
    come to nothing: another process may take its job, and a platform that rests calls nobody. So
    those who wait are called again by the clock (`call_waiting`).
    """

    def __init__(self, settings: PassbackSettings, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._now = now
        self._lock = threading.Lock()
        self._platforms: dict[int, _Platform] = {}
        # Grades on their way to a place: of which platform, and since when.
        self._called: dict[int, tuple[int, datetime]] = {}
        self._next: list[int] = []  # called, and not yet taken by a thread

    def waits(self, platform_id: int, grade_id: int) -> bool:
        """Tell whether all places are taken, and remember the grade then; takes no place."""
        with self._lock:
            platform = self._platforms.get(platform_id)
            if platform is None or platform.under_way < platform.at_once:
                return False
            self._called.pop(grade_id, None)
            platform.waiting[grade_id] = None
            return True

    def enter(self, platform_id: int, grade_id: int, lms: Lms, *, is_probe: bool = False) -> Place:
        """Take a place, or be remembered; a platform that rests after failures gives none.

        `is_probe`: a launch has shown that it is back, and this grade finds out.
        """
        cap = lms.parallel_posts(self._settings)
        with self._lock:
            platform = self._platforms.setdefault(platform_id, _Platform(cap))
            platform.at_once = cap
            self._called.pop(grade_id, None)
            resting = platform.rests_until
            if resting is not None and resting > self._now() and not is_probe:
                return Place(rests_until=resting)
            # When the rest is over, one probe at a time goes through.
            if platform.under_way >= (cap if resting is None else 1):
                platform.waiting[grade_id] = None
                return Place()
            platform.waiting.pop(grade_id, None)
            platform.under_way += 1
            return Place(granted=True)

    def leave(self, platform_id: int, *, answered: bool, wait_seconds: float | None = None) -> None:
        """Give the place back, and call the next (`take_called`).

        A platform that fails k times in a row rests, longer each time. `wait_seconds` is a pause
        that the platform itself asked for.
        """
        with self._lock:
            platform = self._platforms[platform_id]
            platform.under_way -= 1
            if answered:
                platform.failures, platform.rests_until = 0, None
            else:
                platform.failures += 1
                self._rest(platform)
            if wait_seconds:
                platform.rests_until = self._now() + timedelta(seconds=wait_seconds)
            self._next += self._call(platform_id, platform)

    def pass_on(self, grade_id: int) -> None:
        """Call the next instead of a grade that was called and needs its place no more."""
        with self._lock:
            platform_id, _ = self._called.pop(grade_id, (None, None))
            if platform_id is not None:
                self._next += self._call(platform_id, self._platforms[platform_id])

    def take_called(self) -> list[int]:
        """Return those who were called since; whoever takes them works or wakes them."""
        with self._lock:
            called, self._next = self._next, []
            return called

    def call_waiting(self) -> list[int]:
        """Return who is woken of those that wait for a place which is free and kept for nobody."""
        with self._lock:
            return [
                grade_id
                for platform_id, platform in self._platforms.items()
                if platform.waiting
                for grade_id in self._call(platform_id, platform)
            ]

    def _call(self, platform_id: int, platform: _Platform) -> list[int]:
        now = self._now()
        if platform.rests_until is not None and platform.rests_until > now:
            return []
        # Another process may have taken a job that this one made: it does not come then.
        late = now - timedelta(seconds=COMES_WITHIN_SECONDS)
        self._called = {one: of for one, of in self._called.items() if of[1] > late}
        coming = sum(1 for of in self._called.values() if of[0] == platform_id)
        free = max(0, platform.at_once - platform.under_way - coming)
        called = list(platform.waiting)[:free]
        for grade_id in called:
            del platform.waiting[grade_id]
            self._called[grade_id] = platform_id, now
        return called

    def _rest(self, platform: _Platform) -> None:
        beyond = platform.failures - self._settings.rest_after_failures
        if beyond < 0:
            return
        seconds = min(
            self._settings.rest_seconds * 2.0 ** min(beyond, 20), self._settings.rest_seconds_max
        )
        platform.rests_until = self._now() + timedelta(seconds=seconds)
