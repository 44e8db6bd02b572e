"""Scheduled calls on one shared thread, which is cheaper than a timer thread for each."""

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

# Cancelled calls stay in the heap until they are due, or until there are this many.
MOST_ENDED = 1024


@dataclass(slots=True)
class Planned:
    """One scheduled call; set `over` to cancel it."""

    call: Callable[[], None]
    over: bool = False


class Deadlines:
    """Runs scheduled calls on one thread, which starts with the first.

    Calls run one after the other: give slow ones an instance of their own.
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
        """Schedule a call, which must not raise, in so many seconds.

        It may still run just after `over` was set.
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
        """End the thread and drop the calls that are not due."""
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
            # Outside of the lock: a call may take other locks, or schedule another call.
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
