"""A writer of a grade's rows waits for a worker without holding what that worker needs."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text, update

from lti_bridge.core.db import db
from lti_bridge.passback.actions.policy_change import change_platform_policy, change_policy
from lti_bridge.passback.pipeline.job import work_grade
from lti_bridge.passback.pipeline.throttle import PlatformGate
from lti_bridge.passback.triggers.exit_and_postback import record_exit, record_postback
from lti_bridge.passback.triggers.overdue import run_overdue_round
from lti_bridge.passback.triggers.sweep import recheck_unresolved, sweep_accounts
from lti_bridge.platforms.models import Platform
from lti_bridge.privacy.erasure.run import erase_learner
from lti_bridge.registrations.models import Grade, Launch, Learner, Registration, ResourceLink
from lti_bridge.scorm_cloud.progress import parse_progress
from tests.conftest import FakeClock
from tests.mini_platform import ENDPOINT
from tests.practice_cloud import CarryOn
from tests.world import World

pytestmark = pytest.mark.postgresql
PASSED = {"registrationCompletion": "COMPLETED", "registrationSuccess": "PASSED"}


@pytest.fixture
def database_url(postgresql_url: str) -> str:
    """SQLite has one lock for everything: only PostgreSQL can end two transactions this way."""
    return postgresql_url


@dataclass
class Scene:
    """One learner's grade, due in every way, and what others do to it."""

    world: World
    launch_id: int
    registration_id: str

    def leave(self) -> None:
        record_exit(self.world.services, self.launch_id)

    def announce(self) -> None:
        record_postback(self.world.services, self.registration_id, parse_progress(PASSED))

    def sweep(self) -> None:
        assert sweep_accounts(self.world.services) == 1

    def recheck(self) -> None:
        assert recheck_unresolved(self.world.services) == 1

    def round(self) -> None:
        assert run_overdue_round(self.world.services, lambda _: None) == 1

    def come_again(self) -> None:
        assert self.world.launch().status_code == 303

    def learn_line_item(self) -> None:
        item = {"scope": [], "lineitem": f"{self.world.platform.url}/items/2"}
        assert self.world.launch(**{ENDPOINT: item}).status_code == 303

    def read(self) -> None:
        services = self.world.services
        gate = PlatformGate(services.settings.passback, services.now)
        assert work_grade(services, gate, db.session.scalars(select(Grade.id)).one())

    def erase(self) -> None:
        learner_id = db.session.scalars(select(Learner.id)).one()
        report = erase_learner(self.world.services, learner_id)
        assert report.state == "done", report.reason

    def change_policy(self) -> None:
        link = db.session.scalars(select(ResourceLink)).one()
        assert change_policy(self.world.services, link, {"answer": "latest"}) == 1

    def change_platform_policy(self) -> None:
        row = db.session.scalars(select(Platform)).one()
        assert change_platform_policy(self.world.services, row, {"answer": "latest"}) == 1


@pytest.fixture
def scene(world: World, clock: FakeClock) -> Scene:
    assert world.launch().status_code == 303
    row = db.session.scalars(select(Registration)).one()
    world.cloud.play(row.registration_id, completion="COMPLETED", success="PASSED", scaled=80)
    launch_id = db.session.scalars(select(Launch.id)).one()
    clock.advance(3700)
    now = world.services.now()
    db.session.execute(update(Registration).values(recheck_at=now))
    db.session.execute(update(Grade).values(waits_for_line_item=True, next_read_at=now))
    db.session.commit()
    return Scene(world, launch_id, row.registration_id)


@pytest.mark.parametrize(
    "act",
    [
        Scene.leave,
        Scene.announce,
        Scene.sweep,
        Scene.recheck,
        Scene.round,
        Scene.come_again,
        Scene.learn_line_item,
        Scene.change_policy,
        Scene.change_platform_policy,
        Scene.erase,
    ],
    ids=lambda act: act.__name__,
)
def test_no_deadlock_with_a_worker(app: Flask, scene: Scene, act: Callable[[Scene], None]) -> None:
    problems: list[BaseException] = []
    other = threading.Thread(target=_act, args=(app, lambda: act(scene), problems))

    with db.engine.connect() as worker:
        # The worker's order: its grade, then what hangs on it.
        worker.execute(text("UPDATE grade SET lease_until = now(), next_send_at = now()"))
        other.start()
        _wait_until_blocked(other, worker.scalar(text("SELECT pg_backend_pid()")))
        worker.execute(text("UPDATE registration SET seconds_tracked = 1"))
        worker.execute(text("UPDATE launch SET looks = 1"))
        worker.execute(text("UPDATE resource_link SET title = 'Golf'"))
        worker.commit()
    other.join(timeout=30)

    assert not other.is_alive()
    assert problems == []


def test_no_deadlock_of_a_worker_that_read(app: Flask, scene: Scene) -> None:
    """A sweep takes the grade while SCORM Cloud still answers the worker."""
    problems: list[BaseException] = []
    asked, locked = threading.Event(), threading.Event()

    def wait_for_the_sweep(method: str, path: str, carry_on: CarryOn) -> None:
        asked.set()
        locked.wait(timeout=10)

    scene.world.cloud.disturb = wait_for_the_sweep
    worker = threading.Thread(target=_act, args=(app, scene.read, problems))

    with db.engine.connect() as sweep:
        worker.start()
        asked.wait(timeout=10)
        sweep.execute(text("SELECT id FROM grade FOR UPDATE"))
        locked.set()
        _wait_until_blocked(worker, sweep.scalar(text("SELECT pg_backend_pid()")))
        sweep.execute(text("UPDATE registration SET seconds_tracked = 1"))
        sweep.commit()
    worker.join(timeout=30)

    assert not worker.is_alive()
    assert problems == []
    assert db.session.scalars(select(Registration.score_scaled)).one() == 80


def _act(app: Flask, act: Callable[[], Any], problems: list[BaseException]) -> None:
    with app.app_context():
        try:
            act()
        except BaseException as error:
            problems.append(error)


def _wait_until_blocked(other: threading.Thread, worker: int) -> None:
    """Wait until the other one waits for the worker, or has finished without that."""
    blocked = text("SELECT count(*) FROM pg_locks WHERE :worker = ANY(pg_blocking_pids(pid))")
    ends = time.monotonic() + 10
    with db.engine.connect() as watch:
        while other.is_alive() and not watch.scalar(blocked, {"worker": worker}):
            watch.rollback()
            assert time.monotonic() < ends, "it neither waits nor ends"
            time.sleep(0.02)
