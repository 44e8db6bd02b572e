"""Is this node fit to serve: database, queue, keys and clock; and how SCORM Cloud does."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from ..core.clock import MAX_SKEW_SECONDS, measure_clock
from ..core.db import db
from ..core.errors import BridgeError, Unavailable
from ..platforms.accounts import find_default
from ..platforms.keys import signing_key
from ..services import Services

CLOUD_ASKED_EVERY_SECONDS = 60.0
CLOUD_DEADLINE_SECONDS = 5.0
OK = "ok"


@dataclass(frozen=True)
class Check:
    """One line of the answer; a failing one that is not `required` fails nobody."""

    name: str
    text: str
    required: bool = True

    @property
    def failed(self) -> bool:
        """Tell whether this line makes the node unready."""
        return self.required and self.text != OK


def check_readiness(services: Services, scorm_cloud: "ScormCloudWatch") -> list[Check]:
    """Ask everything that a request needs; no line holds a secret or an address."""
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
    find_default()
    db.session.commit()


def _check_clock() -> None:
    ahead = measure_clock(db.engine)
    if abs(ahead) >= MAX_SKEW_SECONDS:
        raise Unavailable(f"this node's clock is {ahead:+.0f} s from the database's")


class ScormCloudWatch:
    """What SCORM Cloud said last, asked in the background: a probe never waits for it."""

    def __init__(self, app: Flask, services: Services) -> None:
        self._app = app
        self._services = services
        self._lock = threading.Lock()
        self._asked_at: float | None = None
        self._asking: threading.Thread | None = None
        self._text = "not asked yet"

    def read(self) -> str:
        """Return what is known, and ask again when that is older than a minute."""
        with self._lock:
            now = time.monotonic()
            if self._asked_at is None or now - self._asked_at > CLOUD_ASKED_EVERY_SECONDS:
                self._asked_at = now
                self._asking = threading.Thread(target=self._ask, name="watch", daemon=True)
                self._asking.start()
            return self._text

    def wait(self) -> None:
        """Wait for the answer to the newest question, if one is under way."""
        if self._asking is not None:
            self._asking.join()

    def _ask(self) -> None:
        with self._app.app_context():
            self._text = _try(self._ping)

    def _ping(self) -> None:
        account = find_default()
        db.session.commit()
        if account is None:
            raise Unavailable("no account is configured")
        self._services.scorm_cloud(account).ping(deadline_seconds=CLOUD_DEADLINE_SECONDS)
