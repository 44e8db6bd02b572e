"""One thread makes the calls that were planned, each at its moment; a timer for each costs more."""

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

# What has ended stays in the heap until its moment comes, or until this much of it is there.
MOST_ENDED = 1024


@dataclass(slots=True)
class Planned:
    """One call to come; set `over` to leave it out."""

    call: Callable[[], None]
    over: bool = False


class Deadlines:
    """Calls what it was given, each at its moment; its thread begins with the first.

    Calls follow one another on that thread: give those that may take long a heap of their own.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._changed = threading.Condition(threading.Lock())
        self._heap: list[tuple[float, int, Planned]] = []
        self._numbers = itertools.count()
        self._room = MOST_ENDED
        self._thread: threading.Thread | None = None
        self._closed = False

    def add(self, call: Callable[[], None], seconds: float) -> Planned:
        """Plan a call, which must not raise, in so many seconds from now, on another thread.

        It may still come just after the plan's `over` was set.
        """
        planned = Planned(call)
        moment = time.monotonic() + seconds
        with self._changed:
            if self._closed:
                return planned
            if len(self._heap) >= self._room:
                self._drop_ended()
            heapq.heappush(self._heap, (moment, next(self._numbers), planned))
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            elif self._heap[0][2] is planned:
                self._changed.notify()
        return planned

    def close(self) -> None:
        """End the thread; what is not due yet is forgotten."""
        with self._changed:
            self._closed = True
            self._heap.clear()
            self._changed.notify()

    def _drop_ended(self) -> None:
        self._heap = [entry for entry in self._heap if not entry[2].over]
        heapq.heapify(self._heap)
        self._room = 2 * len(self._heap) + MOST_ENDED

    def _run(self) -> None:
        while (planned := self._next_due()) is not None:
            # Outside of our lock: a call may take locks of its own, or plan another one.
            if not planned.over:
                planned.call()

    def _next_due(self) -> Planned | None:
        with self._changed:
            while not self._closed:
                left = self._heap[0][0] - time.monotonic() if self._heap else None
                if left is not None and left <= 0:
                    return heapq.heappop(self._heap)[2]
                self._changed.wait(left)
        return None
