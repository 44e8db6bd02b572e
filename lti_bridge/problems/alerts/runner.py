"""The thread of a web process that looks for problems and delivers what tells of them.

Of web processes, because the worker may be what is dead.
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
# A delivery that is under way when the process ends is tried again by another one.
END_SECONDS = 5.0
logger = logging.getLogger(__name__)


class AlertRunner:
    """Looks and delivers every 15 seconds; of all processes, one at a time looks."""

    def __init__(self, app: Flask, find: Find = find_problems) -> None:
        self._app = app
        self._find = find
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """Stop, after what is under way unless that takes long."""
        self._stop.set()
        self._thread.join(END_SECONDS)

    def run_once(self) -> None:
        """Look and deliver once. A failure is logged, and each does without the other."""
        services: Services = self._app.extensions[EXTENSION]
        with self._app.app_context():
            self._quietly(lambda: evaluate(services, self._find))
            self._quietly(lambda: deliver_due(services, self._stop.is_set))

    def _run(self) -> None:
        while not self._stop.wait(ROUND_SECONDS):
            self.run_once()

    def _quietly(self, work: Callable[[], object]) -> None:
        """Whatever fails, this thread goes on: it is there to tell of failures."""
        try:
            work()
        except Exception:
            db.session.rollback()
            logger.exception("problems could not be looked for, or alerts not be delivered")
