"""The thread of each web process that evaluates problems and delivers alerts.

In web processes, because the worker may be the process that is down.
"""

import logging
import threading
from collections.abc import Callable

from flask import Flask

from ...core.db import db
from ...services import EXTENSION, Services
from ..find_problems import find_problems
from .deliver import deliver_due
from .evaluate import Find, evaluate

ROUND_SECONDS = 15.0
# A delivery that is cut off by the end of the process is retried by another.
END_SECONDS = 5.0
logger = logging.getLogger(__name__)


class AlertRunner:
    """Evaluates and delivers every 15 seconds; one process at a time evaluates."""

    def __init__(self, app: Flask, find: Find = find_problems) -> None:
        self._app = app
        self._find = find
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def end(self) -> None:
        """Stop, and wait a limited time for the current round."""
        self._stop.set()
        self._thread.join(END_SECONDS)

    def run_once(self) -> None:
        """Evaluate and deliver once. A failure of one is logged, and does not stop the other."""
        services: Services = self._app.extensions[EXTENSION]
        with self._app.app_context():
            self._quietly(lambda: evaluate(services, self._find))
            self._quietly(lambda: deliver_due(services, self._stop.is_set))

    def _run(self) -> None:
        while not self._stop.wait(ROUND_SECONDS):
            self.run_once()

    def _quietly(self, work: Callable[[], object]) -> None:
        """Log any failure and go on: this thread reports failures."""
        try:
            work()
        except Exception:
            db.session.rollback()
            logger.exception("problems could not be looked for, or alerts not be delivered")
