"""Fair turns for writers of an SQLite file: between threads, and between processes.

SQLite's busy handler polls at growing intervals and in no order: an occasional writer would hardly
ever get the lock beside one that writes all the time.
"""

import fcntl
import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Protocol

LOOK_SECONDS = 0.0005
# A write takes milliseconds. When a turn takes longer, its process was stopped or has a slow disk:
# then processes do not wait for turns for a while.
PATIENCE_SECONDS = 1.0
IMPATIENT_SECONDS = 60.0


class Clock(Protocol):
    """The part of the module `time` that is used here."""

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float, /) -> None: ...


class Turns:
    """A fair lock on one database file.

    Two lock files make it fair: a process that waits for `turn` holds `next`, so the last writer
    cannot take the turn again first. The system releases both when a process dies. SQLite's own
    lock stays the authority: after a timeout a writer goes on and relies on it. `seconds` is the
    timeout between threads of one process.
    """

    def __init__(self, database: Path | None, seconds: float, clock: Clock = time) -> None:
        self._database = database  # None: in memory, no other process writes
        self._seconds = seconds
        self._clock = clock
        self._thread = threading.Lock()
        self._locks: tuple[int, int] | None = None
        self._impatient_until = 0.0

    def take(self) -> bool:
        """Wait for this thread's turn; True when it must be given back."""
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
        # Without these files, on a full disk or one without locks, SQLite's own lock suffices.
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
