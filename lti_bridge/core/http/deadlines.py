"""One thread of a process that cuts what has taken too long; a timer for each call costs more."""

import heapq
import itertools
import threading
import time
from typing import Protocol

# What has ended stays in the heap until its moment comes, or until this much of it is there.
MOST_ENDED = 1024


class Watched(Protocol):
    """Something that is cut at its moment, unless it is over by then."""

    over: bool

    def cut(self) -> None:
        """End it, from another thread; it may just have come to its own end."""


class Watch:
    """Cuts what it was given, each at its moment; its thread begins with the first."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._heap: list[tuple[float, int, Watched]] = []
        self._numbers = itertools.count()
        self._room = MOST_ENDED
        self._thread: threading.Thread | None = None

    def add(self, watched: Watched, seconds: float) -> None:
        """Cut `watched` in so many seconds from now."""
        moment = time.monotonic() + seconds
        with self._changed:
            if len(self._heap) >= self._room:
                self._drop_ended()
            heapq.heappush(self._heap, (moment, next(self._numbers), watched))
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
                self._thread.start()
            elif self._heap[0][2] is watched:
                self._changed.notify()

    def _drop_ended(self) -> None:
        self._heap = [entry for entry in self._heap if not entry[2].over]
        heapq.heapify(self._heap)
        self._room = 2 * len(self._heap) + MOST_ENDED

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._heap:
                    self._changed.wait()
                left = self._heap[0][0] - time.monotonic()
                if left > 0:
                    self._changed.wait(left)
                    continue
                watched = heapq.heappop(self._heap)[2]
            # Outside of our lock: cutting takes the lock of what is cut.
            if not watched.over:
                watched.cut()
