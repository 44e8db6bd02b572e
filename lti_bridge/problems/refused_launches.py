"""Refused launches: counted in memory, stored in batches, found by the page's reference."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete, select

from ..core.db import db, insert_if_new
from ..services import Services
from .models import RefusedLaunch

EVENT, COUNTER = "launch_refused", "refusal_counter"
MOST_ROWS = 1000
# Bounds the memory and the table that unverified requests can fill.
MOST_WAITING = 200
MOST_REFERENCES = 50
LONGEST = 255

Kind = tuple[str, str, str, str]
# Event fields in the order of a Kind.
LABELS = ("code", "issuer", "client_id", "deployment_id")


@dataclass
class _Waiting:
    count: int = 0
    references: list[str] = field(default_factory=list)


class RefusalCounter:
    """Counts the refused launches of one process between writes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[Kind, _Waiting] = {}

    def note(self, name: str, labels: Mapping[str, str | float]) -> None:
        """Count an event of a refused launch; other events are ignored."""
        if name != EVENT:
            return
        code, *of = (str(labels.get(label, ""))[:LONGEST] for label in LABELS)
        kind: Kind = (code, of[0], of[1], of[2])
        with self._lock:
            if len(self._waiting) >= MOST_WAITING and kind not in self._waiting:
                kind = (code, "", "", "")  # too many kinds: count by reason only
            one = self._waiting.setdefault(kind, _Waiting())
            one.count += 1
            one.references = [*one.references, str(labels.get("reference", ""))][-MOST_REFERENCES:]

    def take(self) -> dict[Kind, _Waiting]:
        """Return the counts and reset them."""
        with self._lock:
            taken, self._waiting = self._waiting, {}
            return taken


def write_refusals(services: Services, counter: RefusalCounter) -> None:
    """Store a counter's counts. Commits."""
    taken, now = counter.take(), services.now()
    for kind, waiting in sorted(taken.items()):
        _add(kind, waiting, now)
        db.session.commit()
    if taken:
        _forget_oldest()
        db.session.commit()


def _add(kind: Kind, waiting: _Waiting, now: datetime) -> None:
    facts = dict(zip(LABELS, kind, strict=True))
    first = {"count": 0, "first_at": now, "last_at": now, "page_references": []}
    insert_if_new(db.session, RefusedLaunch, **facts, **first)
    row = db.session.scalars(select(RefusedLaunch).filter_by(**facts).with_for_update()).one()
    row.count, row.last_at = row.count + waiting.count, now
    row.page_references = [*row.page_references, *waiting.references][-MOST_REFERENCES:]


def _forget_oldest() -> None:
    newest = select(RefusedLaunch.id).order_by(RefusedLaunch.last_at.desc()).limit(MOST_ROWS)
    db.session.execute(delete(RefusedLaunch).where(RefusedLaunch.id.not_in(newest)))
