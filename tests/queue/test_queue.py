"""The task queue on each storage that we support."""

import secrets
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lti_bridge.core.errors import ConfigurationError, Unavailable
from lti_bridge.queue.engine import TaskQueue, build_queue
from lti_bridge.queue.worker import Timer, Worker
from tests.conftest import REDIS, empty_postgresql_database, need


@pytest.fixture
def empty_url() -> Iterator[str]:
    with empty_postgresql_database() as url:
        yield url


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.postgresql),
        pytest.param("redis", marks=pytest.mark.redis),
    ]
)
def queue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TaskQueue]:
    if request.param == "sqlite":
        queue = build_queue(f"sqlite:///{tmp_path / 'queue.sqlite3'}")
    elif request.param == "postgresql":
        queue = build_queue(request.getfixturevalue("empty_url"))
    else:
        need(REDIS, "Redis (LTI_BRIDGE_TEST_REDIS)")
        queue = build_queue(str(REDIS))
        queue.huey().storage.flush_queue()
    yield queue
    queue.close()


def run_until(queue: TaskQueue, done: threading.Event, timers: tuple[Timer, ...] = ()) -> None:
    worker = Worker(queue, 2, timers)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        assert done.wait(20), "the job did not run"
    finally:
        worker.stop()
        thread.join(20)


def test_worker_runs_a_job(queue: TaskQueue) -> None:
    seen: list[int] = []
    done = threading.Event()
    number = secrets.randbelow(10**6)
    queue.register("task", lambda item: (seen.append(item), done.set())[0])

    queue.enqueue("task", number)
    waiting = queue.size()
    run_until(queue, done)

    assert waiting == 1
    assert seen == [number]
    assert queue.size() == 0


def test_later_job_comes_after_its_time(queue: TaskQueue) -> None:
    done = threading.Event()
    queue.register("task", lambda item: done.set())
    asked_at = time.monotonic()

    queue.enqueue_later("task", 1, 0.3)
    run_until(queue, done)

    assert time.monotonic() - asked_at >= 0.3


def test_failing_job_stops_nothing(queue: TaskQueue, caplog: pytest.LogCaptureFixture) -> None:
    done = threading.Event()

    def run(item: int) -> None:
        if item == 1:
            raise RuntimeError("this job fails")
        for _ in range(1000):
            if "this job fails" in caplog.text:
                break
            time.sleep(0.01)
        done.set()

    queue.register("task", run)
    queue.enqueue("task", 1)
    queue.enqueue("task", 2)

    run_until(queue, done)

    assert "this job fails" in caplog.text


def test_unknown_task_is_left(queue: TaskQueue, caplog: pytest.LogCaptureFixture) -> None:
    done = threading.Event()
    queue.register("known", lambda item: done.set())
    queue.enqueue("unknown", 1)
    queue.enqueue("known", 2)

    run_until(queue, done)

    assert "unknown task" in caplog.text


def test_timers_run_again_after_a_failure(tmp_path: Path) -> None:
    queue = build_queue(f"sqlite:///{tmp_path / 'queue.sqlite3'}")
    done, runs = threading.Event(), []

    def tick() -> None:
        runs.append(1)
        if len(runs) == 1:
            raise RuntimeError("the first tick fails")
        done.set()

    run_until(queue, done, (Timer("tick", 0.01, tick),))
    queue.close()

    assert len(runs) >= 2


@pytest.mark.parametrize(
    "url", ["postgresql://127.0.0.1:9/none", "redis://127.0.0.1:9", "sqlite:////nowhere/at/all"]
)
def test_unreachable_queue_is_unavailable(url: str) -> None:
    queue = build_queue(url)

    with pytest.raises(Unavailable):
        queue.enqueue("task", 1)
    with pytest.raises(Unavailable):
        queue.ping()
    queue.close()


@pytest.mark.parametrize(
    "url",
    ["", "mysql://x/y", "sqlite://", "not an address"],
    ids=["empty", "mysql", "sqlite without a file", "no address"],
)
def test_unknown_queue_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="queue_url"):
        build_queue(url)
