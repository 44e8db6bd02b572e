"""How many threads of a process may wait for SCORM Cloud at once, so that some stay free."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..core.errors import Busy

# A click that comes twice, or a call of 200 ms in the way: waiting that long beats a page about it.
PATIENCE_SECONDS = 1.0


def count_spare(threads: int, at_most: int) -> int:
    """Return how many of a process's threads never wait for SCORM Cloud.

    At most `at_most` and a quarter of them, but one of two or three; a single thread may wait.
    """
    return min(at_most, max(1, threads // 4)) if threads > 1 else 0


class CallSlots:
    """Places for waiting threads; a thread holds one at most, however deep its calls nest."""

    def __init__(
        self,
        most: int | None = None,
        *,
        spare: int = 0,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """`most` None: as many as there are threads, where none has anything else to do.

        Of the `spare` threads at most half, but one at least, wait for a place that becomes free,
        each for `patience_seconds`.
        """
        self._free = threading.BoundedSemaphore(most) if most is not None else None
        self._queue = threading.BoundedSemaphore(max(1, spare // 2))
        self.patience_seconds = patience_seconds
        self._of_thread = threading.local()

    @contextmanager
    def try_to_take(self) -> Iterator[bool]:
        """Hold a place meanwhile; gives False at once when there is none."""
        with self._hold(lambda free: free.acquire(blocking=False)) as taken:
            yield taken

    @contextmanager
    def take(self) -> Iterator[None]:
        """Hold a place meanwhile; raises Busy when there is none, not in a moment either.

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
