"""Heartbeats of the bridge's processes, four a minute, and their list for the console."""

import logging
import os
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import and_, delete, func, literal, select, update
from sqlalchemy.exc import SQLAlchemyError

from .. import __version__
from ..core.clock import MAX_SKEW_SECONDS, measure_clock
from ..core.db import UtcDateTime, affected, db, insert_if_new
from ..services import Services
from .models import NodeProcess

WEB, WORKER = "web", "worker"
BEAT_SECONDS = 15.0
# Three missed heartbeats.
SILENT_AFTER = timedelta(seconds=50)
FORGOTTEN_AFTER = timedelta(days=1)
SHOWN_AT_MOST = 50
logger = logging.getLogger(__name__)


class Heartbeat:
    """The heartbeat of one process; `kind` is web or worker."""

    def __init__(self, services: Services, kind: str) -> None:
        self._services = services
        self._kind = kind
        self._node = socket.gethostname()[:200]
        self._name = f"{self._node} {kind} {os.getpid()}"
        self._stop = threading.Event()
        self._started_at: datetime | None = None

    def beat(self) -> None:
        """Update this process's row and delete outdated rows. Commits.

        Outdated are rows silent for a day, and those whose place this process has taken.
        """
        now, ahead = self._services.now(), measure_clock(db.engine)
        self._started_at = self._started_at or now
        mine = update(NodeProcess).where(NodeProcess.name == self._name)
        skewed = abs(ahead) >= MAX_SKEW_SECONDS
        values: dict[str, Any] = {"seen_at": now, "clock_ahead_seconds": ahead, "ended_at": None}
        moment = literal(now, UtcDateTime())
        since = func.coalesce(NodeProcess.skewed_since, moment) if skewed else None
        if not affected(db.session.execute(mine.values(**values, skewed_since=since))):
            facts = {"name": self._name, "node": self._node, "kind": self._kind}
            values |= {"started_at": now, "skewed_since": now if skewed else None}
            insert_if_new(db.session, NodeProcess, version=__version__, **facts, **values)
        silent_for_long = NodeProcess.seen_at < now - FORGOTTEN_AFTER
        replaced = and_(
            NodeProcess.node == self._node,
            NodeProcess.kind == self._kind,
            NodeProcess.seen_at < min(self._started_at, now - SILENT_AFTER),
        )
        db.session.execute(delete(NodeProcess).where(silent_for_long | replaced))
        db.session.commit()

    def start(self, app: Flask) -> None:
        """Start a thread that beats; it goes on when the database is away."""

        def run() -> None:
            while not self._stop.is_set():
                with app.app_context():
                    self._quietly(self.beat)
                self._stop.wait(BEAT_SECONDS)

        threading.Thread(target=run, name="heartbeat", daemon=True).start()

    def end(self, app: Flask) -> None:
        """Stop, and record a normal end if the database can be reached."""
        self._stop.set()
        with app.app_context():
            self._quietly(self._note_end)

    def _note_end(self) -> None:
        mine = update(NodeProcess).where(NodeProcess.name == self._name)
        db.session.execute(mine.values(ended_at=self._services.now()))
        db.session.commit()

    def _quietly(self, write: Callable[[], None]) -> None:
        try:
            write()
        except SQLAlchemyError as error:
            db.session.rollback()
            logger.warning("no sign of life was written: %s", type(error).__name__)


@dataclass(frozen=True)
class Process:
    """One process; `silent` when heartbeats are missing."""

    row_id: int
    node: str
    kind: str
    version: str
    started_at: datetime
    seen_at: datetime
    ahead_seconds: float
    silent: bool
    skewed_since: datetime | None = None

    @property
    def skewed(self) -> bool:
        """True when its machine's clock differs too much from the database's."""
        return abs(self.ahead_seconds) >= MAX_SKEW_SECONDS


@dataclass(frozen=True)
class Nodes:
    """All processes of the last day, with the time of the newest heartbeat of a worker."""

    processes: Sequence[Process]
    worker_seen_at: datetime | None = None

    @property
    def without_worker(self) -> bool:
        """True when processes run but no worker is among them."""
        alive = [one for one in self.processes if not one.silent]
        return bool(alive) and not any(one.kind == WORKER for one in alive)

    @property
    def versions(self) -> list[str]:
        """The running versions; more than one only during an upgrade."""
        return sorted({one.version for one in self.processes if not one.silent})

    @property
    def in_order(self) -> bool:
        """True when nothing needs attention."""
        odd = any(one.silent or one.skewed for one in self.processes)
        return not (odd or self.without_worker or len(self.versions) > 1)


def load_nodes(now: datetime) -> Nodes:
    """Return the processes, ordered by node, in the caller's transaction."""
    order = (NodeProcess.node, NodeProcess.kind, NodeProcess.id)
    rows = list(db.session.scalars(select(NodeProcess).order_by(*order).limit(SHOWN_AT_MOST)))
    workers = [row.ended_at or row.seen_at for row in rows if row.kind == WORKER]
    return Nodes(
        [
            Process(
                row_id=row.id,
                node=row.node,
                kind=row.kind,
                version=row.version,
                started_at=row.started_at,
                seen_at=row.seen_at,
                ahead_seconds=row.clock_ahead_seconds,
                silent=now - row.seen_at > SILENT_AFTER,
                skewed_since=row.skewed_since,
            )
            for row in rows
            if row.ended_at is None
        ],
        max(workers, default=None),
    )
