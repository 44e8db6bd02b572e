"""A limit on the threads of a process that wait for SCORM Cloud, so that some stay free."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..core.errors import Busy

# A short wait covers a double click or one slow call, and is better than an error page.
PATIENCE_SECONDS = 1.0


def count_spare(threads: int, at_most: int) -> int:
    """Return how many of a process's threads must never wait for SCORM Cloud.

    At most `at_most` and a quarter of `threads`; one of two or three; none of one.
    """
    return min(at_most, max(1, threads // 4)) if threads > 1 else 0


class CallSlots:
    """A semaphore for threads that wait; a thread holds one slot, however deep its calls nest."""

    def __init__(
        self,
        most: int | None = None,
        *,
        spare: int = 0,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """`most` None: no limit, where threads have nothing else to do.

        Half of the `spare` threads, but at least one, may wait `patience_seconds` for a slot.
        """
        self._free = threading.BoundedSemaphore(most) if most is not None else None
        self._queue = threading.BoundedSemaphore(max(1, spare // 2))
        self.patience_seconds = patience_seconds
        self._of_thread = threading.local()

    @contextmanager
    def try_to_take(self) -> Iterator[bool]:
        """Hold a slot inside the block; yields False at once when none is free."""
        with self._hold(lambda free: free.acquire(blocking=False)) as taken:
            yield taken

    @contextmanager
    def take(self) -> Iterator[None]:
        """Hold a slot inside the block; raises Busy when none becomes free in time.

        No transaction may be open: the thread may wait.
        """
        with self._hold(self._wait) as taken:
            if not taken:
                raise Busy("too many threads wait for SCORM Cloud")
            yield

    @contextmanager
    def _hold(self, get: Callable[[threading.Semaphore], bool]) -> Iterator[bool]:
        if self._free is None or getattr(self._of_thread, "held", False):
            yield True
            return
        if not get(self._free):
            yield False
            return
        self._of_thread.held = True
        try:
            yield True
        finally:
            self._of_thread.held = False
            self._free.release()

    def _wait(self, free: threading.Semaphore) -> bool:
        if free.acquire(blocking=False):
            return True
        if not self._queue.acquire(blocking=False):
            return False
        try:
            return free.acquire(timeout=self.patience_seconds)
        finally:
            self._queue.release()
