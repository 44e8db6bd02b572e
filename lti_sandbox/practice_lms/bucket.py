"""Canvas's rate limit."""

import threading


class Bucket:
    """Canvas's leaky bucket of one client: full at 600, drains 10 a second.

    Each request weighs 50 while it is under way, and its own cost afterwards.
    """

    FULL, DRAIN, UNDER_WAY, COST = 600.0, 10.0, 50.0, 0.5

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._level, self._at, self._busy = 0.0, 0.0, 0

    def enter(self, now: float) -> bool:
        """Take a place; False when the bucket is full."""
        with self._lock:
            self._drain(now)
            if self._level + self.UNDER_WAY * (self._busy + 1) > self.FULL:
                return False
            self._busy += 1
            return True

    def leave(self, now: float) -> float:
        """Give the place back; returns what remains."""
        with self._lock:
            self._drain(now)
            self._busy -= 1
            self._level += self.COST
            return max(0.0, self.FULL - self._level - self.UNDER_WAY * self._busy)

    def _drain(self, now: float) -> None:
        self._level = max(0.0, self._level - self.DRAIN * (now - self._at))
        self._at = now
