"""Child processes that are started, watched and ended together with their parent."""

import ctypes
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import IO

PR_SET_PDEATHSIG = 1  # linux/prctl.h
POLL_SECONDS = 0.2
RESTART_SECONDS = 1.0
# Python's default thresholds of the three generations.
GARBAGE_THRESHOLDS = 700, 10, 10


def settle() -> None:
    """Exclude all present objects from garbage collection; call once after start-up.

    A full collection takes a tenth of a second, during which a request would wait.
    """
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)


def end_with_parent(parent_pid: int, grace_seconds: float = 20) -> None:
    """Have this process receive SIGTERM when its parent ends, even by SIGKILL.

    SIGKILL follows after `grace_seconds`.
    """
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    threading.Thread(target=_watch_parent, args=(parent_pid, grace_seconds), daemon=True).start()


def _watch_parent(parent_pid: int, grace_seconds: float) -> None:
    while os.getppid() == parent_pid:
        time.sleep(1)
    # Again: a child signalled right after its fork may have ignored the first one.
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace_seconds)
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class _Child:
    arguments: list[str]
    output: IO[bytes] | None
    restart: bool
    process: subprocess.Popen[bytes]
    ended_at: float | None = None


class Family:
    """Child processes that run commands of this program, in this process group.

    A child started with `restart` is restarted when it ends; the end of any other ends all.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = environment
        self._children: list[_Child] = []
        self._asked_to_end = False

    def start(
        self, *arguments: str, restart: bool = False, output: IO[bytes] | None = None
    ) -> None:
        """Start `lti-bridge ARGUMENTS`; its output goes to `output`, by default to ours."""
        command = [*arguments, "--ends-with", str(os.getpid())]
        child = _Child(command, output, restart, self._run(command, output))
        self._children.append(child)

    def _run(self, arguments: Sequence[str], output: IO[bytes] | None) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "lti_bridge", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=self._environment,
        )

    def end_on_signals(self) -> None:
        """Let SIGTERM and SIGINT end `watch`; call it in the main thread before `start`."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._asked_to_end = True

    @property
    def asked_to_end(self) -> bool:
        """Tell whether a signal asked for the end."""
        return self._asked_to_end

    @property
    def ending(self) -> bool:
        """Tell whether a signal asked for the end, or a child without `restart` ended."""
        return self._asked_to_end or any(
            child.process.poll() is not None for child in self._children if not child.restart
        )

    def watch(self) -> int:
        """Wait for the end; returns 0 when a signal asked for it, 1 when a child failed."""
        while not self.ending:
            for child in self._children:
                self._restart(child)
            time.sleep(POLL_SECONDS)
        return 0 if self._asked_to_end else 1

    def _restart(self, child: _Child) -> None:
        if child.process.poll() is None:
            return
        if child.ended_at is None:
            child.ended_at = time.monotonic()
        elif time.monotonic() - child.ended_at > RESTART_SECONDS:
            child.process, child.ended_at = self._run(child.arguments, child.output), None

    def stop(self, grace_seconds: float) -> None:
        """Send SIGTERM to every child, and SIGKILL after `grace_seconds`."""
        for child in self._children:
            child.process.terminate()
        ends = time.monotonic() + grace_seconds
        for child in self._children:
            try:
                child.process.wait(max(0.0, ends - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
        self._children.clear()
