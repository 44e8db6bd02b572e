"""Who writes next to an SQLite file: the threads of a process in turns, and processes in turns.

SQLite's busy handler asks again and again, more and more seldom, and in no order: a writer that
comes once in a while hardly ever finds the file free beside one that writes all the time.
"""

import fcntl
import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Protocol

LOOK_SECONDS = 0.0005
# A write takes milliseconds. Who lets others wait longer was stopped, or has a slow disk: for a
# while then nobody waits for anybody here.
PATIENCE_SECONDS = 1.0
IMPATIENT_SECONDS = 60.0


class Clock(Protocol):
    """What of the module `time` is used here."""

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float, /) -> None: ...


class Turns:
    """The writers of one database file, one after the other.

    Two locks beside the file make it fair: whoever waits for the `turn` holds `next`, so that the
    process that has just written cannot take the turn again before them. The system lets go of
    both when a process dies. SQLite's own lock stays the truth: who waits in vain goes on and asks
    it. `seconds` is how long a thread waits for the others of its process.
    """

    def __init__(self, database: Path | None, seconds: float, clock: Clock = time) -> None:
        self._database = database  # None: in memory, nobody else writes
        self._seconds = seconds
        self._clock = clock
        self._thread = threading.Lock()
        self._locks: tuple[int, int] | None = None
        self._impatient_until = 0.0

    def take(self) -> bool:
        """Wait for this thread's turn; tells whether it has it and must give it back."""
        if not self._thread.acquire(timeout=self._seconds):
            return False
        try:
            self._go_before_other_processes()
        except BaseException:
            self._thread.release()
            raise
        return True

    def _go_before_other_processes(self) -> None:
        began = self._clock.monotonic()
        if self._database is None or began < self._impatient_until:
            return
        ends = began + PATIENCE_SECONDS
        # Without these files, on a disk that is full or knows no locks, SQLite decides alone.
        with suppress(OSError):
            upcoming, turn = self._open(self._database)
            in_time = self._wait(upcoming, ends)
            if in_time:
                in_time = self._wait(turn, ends)
                fcntl.flock(upcoming, fcntl.LOCK_UN)
            if not in_time:
                self._impatient_until = self._clock.monotonic() + IMPATIENT_SECONDS

    def give_back(self) -> None:
        """Let the next one write."""
        if self._locks is not None:
            with suppress(OSError):
                fcntl.flock(self._locks[1], fcntl.LOCK_UN)
        self._thread.release()

    def close(self) -> None:
        """Close the files; the next turn opens them again."""
        locks, self._locks = self._locks, None
        for lock in locks or ():
            os.close(lock)

    def _open(self, database: Path) -> tuple[int, int]:
        if self._locks is None:
            flags = os.O_CREAT | os.O_RDWR | os.O_CLOEXEC
            self._locks = (
                os.open(f"{database}-next", flags, 0o600),
                os.open(f"{database}-turn", flags, 0o600),
            )
        return self._locks

    def _wait(self, lock: int, ends: float) -> bool:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if self._clock.monotonic() >= ends:
                    return False
                self._clock.sleep(LOOK_SECONDS)
            else:
                return True
