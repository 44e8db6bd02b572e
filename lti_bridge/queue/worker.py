"""The worker process: huey's consumer, and timers that need no queue."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .engine import TaskQueue

# SQLite is polled, once per interval by each idle thread: eight threads find a job within about a
# tenth of a second, at ten queries per second.
IDLE_POLL_SECONDS = 0.8
FIRST_POLL_SECONDS = 0.05
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Timer:
    """A function to run every `seconds`."""

    name: str
    seconds: float
    run: Callable[[], None]


class Worker:
    """A worker with `threads` threads for jobs, and a thread for each timer."""

    def __init__(self, queue: TaskQueue, threads: int, timers: Sequence[Timer]) -> None:
        self._queue = queue
        self._threads = threads
        self._timers = timers
        self._stop = threading.Event()
        self._closing = threading.Lock()
        self._timer_threads: list[threading.Thread] = []
        self._consumer: Any = None

    def run(self) -> None:
        """Run jobs and timers until `stop` is called; then finish the current jobs."""
        self._start_timers()
        while not self._stop.is_set() and not self._start_consumer():
            self._stop.wait(1)  # timers run without the queue
        while not self._stop.wait(1):
            self._consumer.check_worker_health()
        if self._consumer is not None:
            self._consumer.stop(graceful=True)
        for thread in self._timer_threads:
            thread.join()

    def stop(self) -> None:
        """Ask `run` to end; safe in a signal handler."""
        self._stop.set()

    def _start_timers(self) -> None:
        for timer in self._timers:
            thread = threading.Thread(target=self._tick, args=(timer,), name=timer.name)
            thread.start()
            self._timer_threads.append(thread)

    def _start_consumer(self) -> bool:
        from huey.consumer import Consumer  # not needed in web processes

        try:
            huey: Any = self._queue.huey()
            # PostgreSQL's storage leaves a listening connection of each thread open.
            huey.on_shutdown(name="close connections")(self._close_connections)
            consumer = Consumer(
                huey,
                workers=self._threads,
                periodic=False,
                initial_delay=FIRST_POLL_SECONDS,
                backoff=1.3,
                max_delay=IDLE_POLL_SECONDS,
                scheduler_interval=60,
            )
            consumer._set_signal_handlers = _leave_signals_alone
            consumer.start()
        except Exception as error:
            logger.warning("the queue cannot be reached yet: %s", type(error).__name__)
            return False
        self._consumer = consumer
        return True

    def _close_connections(self) -> None:
        with self._closing:
            storage: Any = self._queue.huey().storage
            storage.close()

    def _tick(self, timer: Timer) -> None:
        while not self._stop.is_set():
            try:
                timer.run()
            except Exception:
                logger.exception("timer %s failed; it runs again", timer.name)
            self._stop.wait(timer.seconds)


def _leave_signals_alone() -> None:
    """Skip huey's signal handlers: the command has its own, and tests run it in a thread."""
