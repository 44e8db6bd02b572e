"""The thread that stores what a process has noted, so that no request waits for it."""

import logging
import threading

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from ..core.db import db
from ..services import EXTENSION
from .outages import NOTES, write_outages
from .refused_launches import COUNTER, write_refusals

WRITE_SECONDS = 10.0
logger = logging.getLogger(__name__)


def write_notes(app: Flask) -> None:
    """Store what this process has noted since the last time; a failed database is ignored."""
    services = app.extensions[EXTENSION]
    with app.app_context():
        try:
            write_outages(services, app.extensions[NOTES])
            write_refusals(services, app.extensions[COUNTER])
        except SQLAlchemyError:
            db.session.rollback()
            logger.exception("what this process noted could not be written down")


class NoteWriter:
    """Writes a web process's notes every ten seconds; workers have a timer for theirs."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="notes", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def end(self) -> None:
        """Store the rest, and stop."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(WRITE_SECONDS):
            write_notes(self._app)
        write_notes(self._app)
