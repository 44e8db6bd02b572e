"""The task queue, built from one URL; a job is a task's name and the id of a row."""

import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import make_url

from ..core.deadlines import Deadlines
from ..core.errors import ConfigurationError, Unavailable

if TYPE_CHECKING:
    from huey import Huey

Task = Callable[[int], None]
NAME = "lti-bridge"
CONNECT_SECONDS = 3
ANSWER_SECONDS = 10
logger = logging.getLogger(__name__)


class TaskQueue:
    """Hands jobs to workers. All state is in the rows: a lost job is a delay only.

    `make_huey` is called at first use, so that processes start without the queue.
    """

    def __init__(self, make_huey: Callable[[], "Huey"]) -> None:
        self._make_huey = make_huey
        self._lock = threading.Lock()
        self._huey: Any = None
        self._run: Any = None
        self._tasks: dict[str, Task] = {}
        # A thread of its own: a queue that hangs must not delay the deadlines of HTTP calls.
        self._later = Deadlines("later")

    def register(self, name: str, task: Task) -> None:
        """Let workers run `task(item_id)` for jobs named `name`."""
        self._tasks[name] = task

    def enqueue(self, name: str, item_id: int) -> None:
        """Queue one job; raises Unavailable when the queue cannot be reached."""
        try:
            self._open()
            self._run(name, item_id)
        except Exception as error:  # each storage raises errors of its own
            raise Unavailable(f"the queue did not take a job: {type(error).__name__}") from error

    def enqueue_later(self, name: str, item_id: int, delay_seconds: float) -> None:
        """Queue one job in `delay_seconds`, from this process; best effort.

        Lost when this process ends first; the row is then found by its due time.
        """
        self._later.add(partial(self._enqueue_quietly, name, item_id), delay_seconds)

    def ping(self) -> None:
        """Check the queue; raises Unavailable when it cannot be reached."""
        self.size()

    def size(self) -> int:
        """Return how many jobs wait; raises Unavailable when the queue cannot be reached."""
        try:
            return int(self._open().storage.queue_size())
        except Exception as error:
            raise Unavailable(f"the queue did not answer: {type(error).__name__}") from error

    def huey(self) -> "Huey":
        """Return the huey instance, for the worker."""
        return self._open()

    def close(self) -> None:
        """Drop the connection and the timer."""
        self._later.close()
        if self._huey is not None:
            self._huey.storage.close()

    def _open(self) -> Any:
        with self._lock:
            if self._huey is None:
                huey = self._make_huey()
                self._run = huey.task(name="run")(self._perform)
                self._huey = huey
        return self._huey

    def _perform(self, name: str, item_id: int) -> None:
        task = self._tasks.get(name)
        if task is None:
            logger.warning("a job names the unknown task %s", name)
            return
        task(item_id)

    def _enqueue_quietly(self, name: str, item_id: int) -> None:
        try:
            self.enqueue(name, item_id)
        except Unavailable as error:
            logger.warning("%s", error)


def build_queue(queue_url: str) -> TaskQueue:
    """Return the queue behind `queue_url`: sqlite:///file, postgresql://… or redis://….

    Raises ConfigurationError for any other address.
    """
    # No results are stored: the outcome of a job is in the rows.
    common: dict[str, Any] = {"name": NAME, "results": False}
    if queue_url.startswith(("redis://", "rediss://", "unix://")):
        return TaskQueue(lambda: _redis(queue_url, **common))
    try:
        url = make_url(queue_url)
    except Exception as error:
        raise ConfigurationError("queue_url is not an address") from error
    backend = url.get_backend_name()
    if backend == "sqlite" and url.database:
        return TaskQueue(lambda: _storage().SqliteHuey(filename=url.database, **common))
    if backend in ("postgresql", "postgres"):
        dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        if "connect_timeout" not in url.query:
            common["connect_timeout"] = CONNECT_SECONDS
        return TaskQueue(lambda: _storage().PostgresHuey(dsn=dsn, **common))
    raise ConfigurationError("queue_url must be sqlite:///file, postgresql://… or redis://…")


def _storage() -> Any:
    """Import huey at first use: it imports every storage's client, which is slow."""
    import huey

    return huey


def _redis(queue_url: str, **common: Any) -> Any:
    from redis import ConnectionPool  # an optional dependency

    pool = ConnectionPool.from_url(
        queue_url, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=ANSWER_SECONDS
    )
    return _storage().RedisHuey(connection_pool=pool, **common)
