"""Limit one process's posts to a platform: few at once, with rests after failures."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ...core.config import PassbackSettings
from ...lms.base import Lms

# A called grade that does not take its slot within this time loses it.
COMES_WITHIN_SECONDS = 2.0


@dataclass
class _Platform:
    at_once: int
    under_way: int = 0
    failures: int = 0
    rests_until: datetime | None = None
    # Grades waiting for a slot, as an ordered set, in order of arrival.
    waiting: dict[int, None] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """The answer to a grade that needs a slot: granted, or wait for a call, or come back later.

    `rests_until` is when a failing platform may be called again.
    """

    granted: bool = False
    rests_until: datetime | None = None


class PlatformGate:
    """Decides for each platform whether a post may start now.

    A slow or dead LMS must not block the threads that serve others, so no thread waits here: a
    grade without a slot is remembered, and a freed slot is offered to the next one. A call may have
    no effect (another process takes the job, or the platform rests), so `call_waiting` repeats
    calls by timer.
    """

    def __init__(self, settings: PassbackSettings, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._now = now
        self._lock = threading.Lock()
        self._platforms: dict[int, _Platform] = {}
        # Grades called to a slot: their platform, and since when.
        self._called: dict[int, tuple[int, datetime]] = {}
        self._next: list[int] = []  # called, and not yet taken by a thread

    def waits(self, platform_id: int, grade_id: int) -> bool:
        """Tell whether no slot is free, and remember the grade in that case; takes no slot."""
        with self._lock:
            platform = self._platforms.get(platform_id)
            if platform is None or platform.under_way < platform.at_once:
                return False
            self._called.pop(grade_id, None)
            platform.waiting[grade_id] = None
            return True

    def enter(self, platform_id: int, grade_id: int, lms: Lms, *, is_probe: bool = False) -> Place:
        """Take a slot, or remember the grade; a resting platform has none.

        `is_probe`: this grade tests whether the platform is back, in spite of its rest.
        """
        cap = lms.parallel_posts(self._settings)
        with self._lock:
            platform = self._platforms.setdefault(platform_id, _Platform(cap))
            platform.at_once = cap
            self._called.pop(grade_id, None)
            resting = platform.rests_until
            if resting is not None and resting > self._now() and not is_probe:
                return Place(rests_until=resting)
            # After a rest, one grade at a time tests the platform.
            if platform.under_way >= (cap if resting is None else 1):
                platform.waiting[grade_id] = None
                return Place()
            platform.waiting.pop(grade_id, None)
            platform.under_way += 1
            return Place(granted=True)

    def leave(self, platform_id: int, *, answered: bool, wait_seconds: float | None = None) -> None:
        """Free the slot, and call the next grade (see `take_called`).

        A platform rests after repeated failures, longer each time. `wait_seconds` is a pause that
        the platform asked for.
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
        """Call the next grade instead of a called one that does not need its slot."""
        with self._lock:
            platform_id, _ = self._called.pop(grade_id, (None, None))
            if platform_id is not None:
                self._next += self._call(platform_id, self._platforms[platform_id])

    def take_called(self) -> list[int]:
        """Return and clear the newly called grades; the caller works or wakes them."""
        with self._lock:
            called, self._next = self._next, []
            return called

    def call_waiting(self) -> list[int]:
        """Call waiting grades to free slots, and return them to be woken."""
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
        # Another process may have taken the called grade's job; then it does not come here.
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
