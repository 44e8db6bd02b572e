"""Keeps the bridge's nodes running, as a service manager does, while they are killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.story.nodes import ROOT

LOOK_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0
WEB, WORKER = "web", "worker"


@dataclass
class Node:
    """One web or worker node; `arguments` follow `python -m`."""

    kind: str
    arguments: list[str]
    process: subprocess.Popen[bytes] | None = None
    start_at: float = 0.0
    frozen: bool = False
    given_up: bool = False

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """Starts nodes again when they end, after a moment, except those that were given up."""

    def __init__(self, environment: dict[str, str], log: Path, nodes: list[Node], random: Random):
        self.nodes = nodes
        self.starts = 0
        self._environment, self._log, self._random = environment, log, random
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Kill every node and start none again."""
        self._stopping.set()
        self._thread.join()
        for node in self.nodes:
            self._kill_group(node)

    def kill(self, node: Node) -> bool:
        """End a node without a warning, with its children; False when it was not running."""
        with self._lock:
            return node.runs and not node.frozen and self._kill_group(node)

    def kill_child(self, node: Node) -> bool:
        """End one of the processes that a web node keeps for requests; it starts another."""
        with self._lock:
            children = _children(node)
            if node.frozen or not children:
                return False
            os.kill(self._random.choice(children), signal.SIGKILL)
            return True

    def give_up(self, node: Node) -> None:
        """End a node for good."""
        with self._lock:
            node.given_up = True
            self._kill_group(node)

    def freeze(self, node: Node) -> bool:
        """Stop a node as it stands; False when it was not running."""
        return self._signal(node, signal.SIGSTOP, frozen=True)

    def thaw(self, node: Node) -> bool:
        """Let a frozen node go on."""
        return self._signal(node, signal.SIGCONT, frozen=False)

    def _signal(self, node: Node, number: signal.Signals, *, frozen: bool) -> bool:
        with self._lock:
            if not node.runs:
                return False
            assert node.process is not None
            os.killpg(node.process.pid, number)
            node.frozen = frozen
            return True

    def _kill_group(self, node: Node) -> bool:
        if node.process is None:
            return False
        try:
            os.killpg(node.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        node.process.wait()
        return True

    def _watch(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            with self._lock:
                for node in self.nodes:
                    self._look_after(node)

    def _look_after(self, node: Node) -> None:
        if node.given_up or node.runs:
            return
        now = time.monotonic()
        if node.process is not None:
            self._kill_group(node)  # what a main process leaves behind, its manager ends
            node.process = None
            node.start_at = now + self._random.uniform(0, LONGEST_PAUSE_SECONDS)
        elif now >= node.start_at:
            node.process, node.frozen = self._run(node), False
            self.starts += 1

    def _run(self, node: Node) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", *node.arguments, "--ends-with", str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self._environment,
                cwd=ROOT,
                start_new_session=True,
            )


def _children(node: Node) -> list[int]:
    """Return the children of a node's main process (Linux)."""
    if not node.runs:
        return []
    assert node.process is not None
    pid = node.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
