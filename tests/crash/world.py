"""All that a run needs: practice LMS and SCORM Cloud, learners' accounts, nodes, a balancer."""

import dataclasses
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

from lti_bridge.core.config import Settings
from lti_bridge.core.db import db
from lti_sandbox.practice_lms.state import MEMBERSHIP, Dialect, LmsState, Person
from tests.conftest import make_settings
from tests.crash.balancer import Balancer
from tests.crash.servers import PostgresqlServer, RedisServer
from tests.crash.supervisor import WEB, WORKER, Node, Supervisor
from tests.ports import free_port
from tests.story.nodes import environment_of
from tests.story.stage import Stage, close_stage, open_stage

LEASE_SECONDS = 5
SKEW_SECONDS = 30
# Quick enough that a run of minutes sees leases end, platforms rest and many sweeps.
QUICK = {
    "LTI_BRIDGE_PASSBACK__CLAIM_LEASE_SECONDS": str(LEASE_SECONDS),
    "LTI_BRIDGE_PASSBACK__LMS_DEADLINE_SECONDS": "5",
    "LTI_BRIDGE_SCORM_CLOUD__DEADLINE_SECONDS": "5",
    "LTI_BRIDGE_SCORM_CLOUD__SWEEP_SECONDS": "10",
    "LTI_BRIDGE_PASSBACK__OVERDUE_ROUND_SECONDS": "1",
    "LTI_BRIDGE_PASSBACK__BACKOFF_SECONDS": "1",
    "LTI_BRIDGE_PASSBACK__BACKOFF_SECONDS_MAX": "15",
    "LTI_BRIDGE_PASSBACK__REST_SECONDS": "2",
    "LTI_BRIDGE_PASSBACK__REST_SECONDS_MAX": "10",
}


@dataclass(frozen=True)
class Mode:
    """One way to run the bridge; one of its workers is killed for good.

    `postbacks` off: only looks and the sweep find results.
    """

    name: str
    dialect: Dialect
    webs: int
    workers: int
    postbacks: str


MODES = {
    "sqlite": Mode("sqlite", "moodle", webs=1, workers=2, postbacks="off"),
    "postgresql": Mode("postgresql", "canvas", webs=2, workers=3, postbacks="auto"),
    "redis": Mode("redis", "moodle", webs=2, workers=3, postbacks="off"),
}


@dataclass
class World:
    """What learners and the reaper act on, and what the verdict looks at."""

    mode: Mode
    folder: Path
    stage: Stage
    supervisor: Supervisor
    people: list[Person]
    ends_at: float
    postgresql: PostgresqlServer | None = None
    redis: RedisServer | None = None
    ending: threading.Event = field(default_factory=threading.Event)

    @property
    def activity(self) -> str:
        return self.stage.activities["Fire safety"]

    @property
    def lms(self) -> LmsState:
        state: LmsState = self.stage.lms.app.extensions["practice_lms"]
        return state

    def shown_grade(self, person: Person) -> float | None:
        """Return what the gradebook shows of a learner now."""
        with self.lms.lock:
            (item,) = self.lms.items_of(self.lms.activities[self.activity])
            cell = self.lms.cells.get((item.id, person.sub))
            return cell.score if cell else None


@contextmanager
def open_world(
    mode: Mode, folder: Path, learners: int, seed: str, ends_at: float, database_url: str = ""
) -> Iterator[World]:
    """Start all servers and nodes; without `database_url` those of the mode are our own.

    Learners give up at `ends_at`, on the monotonic clock.
    """
    with ExitStack() as stack:
        postgresql, redis = _open_servers(stack, mode, folder, database_url)
        url = database_url or f"sqlite:///{folder / 'bridge.sqlite3'}"
        if postgresql is not None:
            url = postgresql.url
        settings = make_settings(url, folder)
        if mode.name != "sqlite":
            settings = dataclasses.replace(settings, queue_url=redis.url if redis else url)
        stage = open_stage(settings, mode.dialect, in_process=False)
        stack.callback(close_stage, stage)
        stack.callback(time.sleep, 1)  # the last calls of killed nodes end
        people = _enrol(stage, learners)
        with stage.app.app_context():
            db.engine.dispose()
        supervisor = _supervise(mode, stage, folder, seed, stack)
        yield World(mode, folder, stage, supervisor, people, ends_at, postgresql, redis)


def _open_servers(
    stack: ExitStack, mode: Mode, folder: Path, database_url: str
) -> tuple[PostgresqlServer | None, RedisServer | None]:
    postgresql = redis = None
    if mode.name != "sqlite" and not database_url:
        postgresql = PostgresqlServer(folder / "postgresql")
        stack.callback(postgresql.stop)
        postgresql.start()
    if mode.name == "redis":
        redis = RedisServer(folder / "redis")
        stack.callback(redis.stop)
        redis.start()
    return postgresql, redis


def _supervise(mode: Mode, stage: Stage, folder: Path, seed: str, stack: ExitStack) -> Supervisor:
    ports = [free_port() for _ in range(mode.webs)]
    balancer = Balancer(_public_port(stage.services.settings), ports)
    stack.callback(balancer.stop)
    environment = environment_of(stage.services.settings) | QUICK
    environment["LTI_BRIDGE_SCORM_CLOUD__POSTBACKS"] = mode.postbacks
    nodes = [_web(port) for port in ports] + [_worker() for _ in range(mode.workers)]
    if mode.name != "sqlite":  # there the machine's clock is the database's
        _skew(nodes[mode.webs - 1], -SKEW_SECONDS)
        _skew(nodes[-1], SKEW_SECONDS)
    supervisor = Supervisor(environment, folder / "nodes.log", nodes, Random(f"{seed} starts"))
    supervisor.start()
    stack.callback(supervisor.stop)
    return supervisor


def _public_port(settings: Settings) -> int:
    return urlsplit(settings.public_url).port or 80


def _web(port: int) -> Node:
    place = ["--host", "127.0.0.1", "--port", str(port)]
    return Node(WEB, ["lti_bridge", "web", *place, "--workers", "2", "--threads", "4"])


def _worker() -> Node:
    return Node(WORKER, ["lti_bridge", "worker"])


def _skew(node: Node, seconds: int) -> None:
    node.arguments = ["tests.crash.skewed", str(seconds), *node.arguments[1:]]


def _enrol(stage: Stage, count: int) -> list[Person]:
    """Give the practice LMS so many learners."""
    roles = (f"{MEMBERSHIP}Learner",)
    state: LmsState = stage.lms.app.extensions["practice_lms"]
    people = [
        Person(f"learner{n}", str(1000 + n), "Learner", str(n), "Learner", roles, True)
        for n in range(count)
    ]
    with state.lock:
        state.people.update((person.key, person) for person in people)
    return people
