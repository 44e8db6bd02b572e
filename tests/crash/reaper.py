"""Kills nodes at random moments, and makes trouble of other kinds in between."""

import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from random import Random

from tests.crash.learners import Learner
from tests.crash.supervisor import WEB, WORKER, Node
from tests.crash.world import LEASE_SECONDS, World

# A lease is extended past each call, by the call's deadline and ten seconds.
FROZEN_SECONDS = LEASE_SECONDS + 15
SERVER_STOPPED_SECONDS = 10
LMS_DOWN_SECONDS = 15
CLOUD_LAGS_SECONDS = 45
ANSWERS_LOST_SECONDS = 20
# Calls that take their time are calls that a kill finds under way.
CALM = {"latency_ms": 200}
KINDS = ("worker", "worker", "web server", "web process")


class Reaper:
    """Kills so often at random; beside that, one trouble after the other, each at least once."""

    def __init__(
        self, world: World, learners: list[Learner], seed: str, say: Callable[[str], None]
    ):
        self.kills: Counter[str] = Counter()
        self.troubles: Counter[str] = Counter()
        self.in_flight: list[int] = []
        self.awaited: list[int] = []
        self._world, self._learners, self._say = world, learners, say
        self._enough, self._stopped = threading.Event(), threading.Event()
        self._random, self._moody = Random(f"{seed} kills"), Random(f"{seed} troubles")

    def run(self, kills: int, pause_seconds: float, *, troubles: bool) -> float:
        """Kill so often, about every `pause_seconds`; returns when the last fault was over."""
        for server in (self._world.stage.lms, self._world.stage.cloud):
            self._world.stage.set_faults(server, **CALM)
        with ThreadPoolExecutor(1) as pool:
            besides = pool.submit(self._make_trouble) if troubles else None
            try:
                while sum(self.kills.values()) < kills:
                    time.sleep(self._random.uniform(0.2, 1.8) * pause_seconds)
                    self._kill()
            except BaseException:
                self._stopped.set()
                raise
            finally:
                self._enough.set()
        if besides is not None:
            besides.result()
        return time.monotonic()

    def _kill(self) -> None:
        kind = self._random.choice(KINDS)
        supervisor = self._world.supervisor
        node = self._random.choice(self._nodes(WORKER if kind == "worker" else WEB))
        kill = supervisor.kill_child if kind == "web process" else supervisor.kill
        if kill(node):
            self.kills[kind] += 1
            self.in_flight.append(sum(one.begun and one.home_at is None for one in self._learners))
            self.awaited.append(sum(one.begun and not one.is_home for one in self._learners))

    def _nodes(self, kind: str) -> list[Node]:
        nodes = self._world.supervisor.nodes
        return [node for node in nodes if node.kind == kind and not node.given_up]

    def _make_trouble(self) -> None:
        world = self._world
        kinds = [self._lms_down, self._cloud_lags, self._answers_lost, self._worker_freezes]
        if world.postgresql is not None:
            kinds.append(self._postgresql_stops)
        if world.redis is not None:
            kinds += [self._redis_stops, self._redis_emptied]
        first = [*kinds, self._worker_gone]
        self._moody.shuffle(first)
        for trouble in first:
            if not self._stopped.is_set():
                self._after_a_while(trouble)
        while not self._enough.is_set():
            self._after_a_while(self._moody.choice(kinds))

    def _after_a_while(self, trouble: Callable[[], None]) -> None:
        time.sleep(self._moody.uniform(1, 5))
        trouble()

    def _lms_down(self) -> None:
        stage = self._world.stage
        stage.set_faults(stage.lms, error_status=503, error_rate=1)
        self._pass("the LMS answers 503", LMS_DOWN_SECONDS)
        stage.set_faults(stage.lms, **CALM)

    def _cloud_lags(self) -> None:
        stage = self._world.stage
        stage.set_faults(stage.cloud, result_lag_seconds=30, error_rate=0.1, **CALM)
        self._pass("SCORM Cloud lags 30 s, 10 % of its calls fail", CLOUD_LAGS_SECONDS)
        stage.set_faults(stage.cloud, **CALM)

    def _answers_lost(self) -> None:
        stage = self._world.stage
        for server in (stage.lms, stage.cloud):
            stage.set_faults(server, drop_connection_rate=0.1, **CALM)
        self._pass("10 % of the answers of LMS and SCORM Cloud are lost", ANSWERS_LOST_SECONDS)
        for server in (stage.lms, stage.cloud):
            stage.set_faults(server, **CALM)

    def _worker_freezes(self) -> None:
        supervisor = self._world.supervisor
        node = self._freeze_one()
        self._pass("a worker frozen past its lease", FROZEN_SECONDS)
        supervisor.thaw(node)

    def _freeze_one(self) -> Node:
        while True:
            node = self._moody.choice(self._nodes(WORKER))
            if self._world.supervisor.freeze(node):
                if not self._holds_a_lock():
                    return node
                self._world.supervisor.thaw(node)
            time.sleep(self._moody.uniform(0.05, 0.3))

    def _holds_a_lock(self) -> bool:
        """A process that is stopped while it writes to SQLite stops all others; not our matter."""
        if self._world.mode.name != "sqlite":
            return False
        return not all(_can_write(path) for path in self._world.folder.glob("*.sqlite3"))

    def _worker_gone(self) -> None:
        self._world.supervisor.give_up(self._moody.choice(self._nodes(WORKER)))
        self._pass("a worker killed for good", 0)

    def _postgresql_stops(self) -> None:
        server = self._world.postgresql
        assert server is not None
        self._stop("PostgreSQL stopped", server.stop, server.start)

    def _redis_stops(self) -> None:
        server = self._world.redis
        assert server is not None
        self._stop("Redis stopped", server.stop, server.start)

    def _redis_emptied(self) -> None:
        assert self._world.redis is not None
        self._world.redis.empty()
        self._pass("Redis emptied", 0)

    def _stop(self, what: str, stop: Callable[[], None], start: Callable[[], None]) -> None:
        stop()
        self._pass(what, SERVER_STOPPED_SECONDS)
        start()

    def _pass(self, what: str, seconds: float) -> None:
        self.troubles[what] += 1
        self._say(f"after {sum(self.kills.values())} kills: {what}")
        self._stopped.wait(seconds)


def _can_write(path: Path) -> bool:
    with closing(sqlite3.connect(path, timeout=1, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        except sqlite3.OperationalError:
            return False
        return True
