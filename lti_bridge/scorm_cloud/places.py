"""How many threads of a process may wait for SCORM Cloud at once, so that some stay free."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import Busy


class Places:
    """Places for waiting threads; a thread holds one at most, however deep its calls nest."""

    def __init__(self, most: int | None = None) -> None:
        """`most` None: as many as there are threads, where none has anything else to do."""
        self._free = threading.BoundedSemaphore(most) if most is not None else None
        self._of_thread = threading.local()

    @contextmanager
    def try_to_take(self) -> Iterator[bool]:
        """Hold a place meanwhile; gives False at once when there is none."""
        if self._free is None or getattr(self._of_thread, "held", False):
            yield True
            return
        if not self._free.acquire(blocking=False):
            yield False
            return
        self._of_thread.held = True
        try:
            yield True
        finally:
            self._of_thread.held = False
            self._free.release()

    @contextmanager
    def take(self) -> Iterator[None]:
        """Hold a place meanwhile; raises Busy when there is none."""
        with self.try_to_take() as taken:
            if not taken:
                raise Busy("too many threads wait for SCORM Cloud")
            yield
