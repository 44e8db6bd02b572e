"""Readiness of this node (database, queue, keys, clock), and the state of SCORM Cloud."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from ..core.clock import MAX_SKEW_SECONDS, measure_clock
from ..core.db import db, reading
from ..core.errors import BridgeError, Unavailable
from ..platforms.accounts import find_default
from ..platforms.keys import signing_key
from ..services import Services

CLOUD_ASKED_EVERY_SECONDS = 60.0
CLOUD_DEADLINE_SECONDS = 5.0
OK = "ok"


@dataclass(frozen=True)
class Check:
    """One line of /readyz; only a failed `required` check makes the node unready."""

    name: str
    text: str
    required: bool = True

    @property
    def failed(self) -> bool:
        """True when this check makes the node unready."""
        return self.required and self.text != OK


def check_readiness(services: Services, scorm_cloud: "ScormCloudWatch") -> list[Check]:
    """Check everything that a request needs; no line contains a secret or an address."""
    return [
        Check("database", _try(_check_database)),
        Check("queue", _try(services.queue.ping)),
        Check("keys", _try(lambda: signing_key(services.signer, now=services.now()))),
        Check("clock", _try(_check_clock)),
        Check("scorm_cloud", scorm_cloud.read(), required=False),
    ]


def _try(check: Callable[[], object]) -> str:
    try:
        check()
    except BridgeError as error:
        return str(error)
    except SQLAlchemyError as error:
        db.session.rollback()
        return f"the database did not answer: {type(error).__name__}"
    return OK


def _check_database() -> None:
    # Not `reading`: SQLite shows in a transaction that may write whether it takes one.
    find_default()
    db.session.commit()


def _check_clock() -> None:
    ahead = measure_clock(db.engine)
    if abs(ahead) >= MAX_SKEW_SECONDS:
        raise Unavailable(f"this node's clock is {ahead:+.0f} s from the database's")


class ScormCloudWatch:
    """The latest state of SCORM Cloud, refreshed in the background, so that probes never wait."""

    def __init__(self, app: Flask, services: Services) -> None:
        self._app = app
        self._services = services
        self._lock = threading.Lock()
        self._asked_at: float | None = None
        self._asking: threading.Thread | None = None
        self._text = "not asked yet"

    def read(self) -> str:
        """Return the latest state, and start a refresh when it is older than a minute."""
        with self._lock:
            now = time.monotonic()
            if self._asked_at is None or now - self._asked_at > CLOUD_ASKED_EVERY_SECONDS:
                self._asked_at = now
                self._asking = threading.Thread(target=self._ask, name="watch", daemon=True)
                self._asking.start()
            return self._text

    def wait(self) -> None:
        """Wait for the current refresh, if there is one."""
        if self._asking is not None:
            self._asking.join()

    def _ask(self) -> None:
        with self._app.app_context():
            self._text = _try(self._ping)

    def _ping(self) -> None:
        with reading():
            account = find_default()
        if account is None:
            raise Unavailable("no account is configured")
        self._services.scorm_cloud(account).ping(deadline_seconds=CLOUD_DEADLINE_SECONDS)
