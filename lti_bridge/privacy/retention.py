"""Retention: delete rows older than the settings allow, page by page, daily, on one node."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update

from ..core.db import db, reading, write
from ..core.leases import LeaseLost, Leases, none_or_past
from ..services import Services
from .models import Upkeep
from .retention_rules import Kind, kinds

PAGE = 1000  # rows read per read-only transaction
BATCH = 200  # rows per write transaction; other writers get turns in between
PAUSE_SECONDS = 0.02
EVERY = timedelta(days=1)
LEASE = timedelta(minutes=5)
NAME = "retention"
_UPKEEP = Upkeep.__table__
LEASES = Leases(_UPKEEP, none_or_past(_UPKEEP.c.next_at), key="name")


@dataclass(frozen=True)
class RetentionLine:
    """How many rows of a kind older than `cutoff` were deleted, or would be."""

    kind: str
    count: int
    cutoff: datetime


def run_retention(
    services: Services,
    *,
    dry_run: bool = False,
    extend: Callable[[], None] = lambda: None,
    sleep: Callable[[float], None] = time.sleep,
) -> list[RetentionLine]:
    """Delete old rows, or only count them; returns a line for each kind.

    `extend` is called in each deleting transaction; its LeaseLost ends the run early. Safe to run
    twice, and beside others. Commits.
    """
    now, lines = services.now(), list[RetentionLine]()
    for kind in kinds(services.settings.privacy):
        cutoff, count = now - kind.kept, 0
        for keys in _batches(kind, cutoff):
            if dry_run:
                count += len(keys)
                continue
            try:
                extend()
            except LeaseLost:
                return lines
            count += _let_go(kind, cutoff, keys)
            sleep(PAUSE_SECONDS)
        lines.append(RetentionLine(kind.name, count, cutoff))
    return lines


def run_when_due(services: Services) -> list[RetentionLine]:
    """Run retention if a day has passed and no other node runs it. Commits."""
    lease = LEASES.make_and_take(NAME, services.now(), LEASE, counts={})
    db.session.commit()
    if lease is None:
        return []
    started_at = services.now()
    lines = run_retention(
        services, extend=lambda: LEASES.extend(NAME, lease.token, services.now() + LEASE)
    )
    counts = {line.kind: line.count for line in lines}
    done = {"counts": counts, "finished_at": services.now(), "next_at": started_at + EVERY}
    LEASES.release(NAME, lease.token, done)
    db.session.commit()
    return lines


def _batches(kind: Kind, cutoff: datetime) -> Iterator[Sequence[Any]]:
    """Yield the keys of due rows, reading the table page by page in key order."""
    after: Any = None
    while True:
        with reading():
            page = _page(kind, cutoff, after)
            due = _due(kind, cutoff, after, page[-1][0]) if page else []
        for start in range(0, len(due), BATCH):
            yield due[start : start + BATCH]
        if len(page) < PAGE or (kind.in_order and not any(is_old for _, is_old in page)):
            return
        after = page[-1][0]


def _page(kind: Kind, cutoff: datetime, after: Any) -> Sequence[Any]:
    query = select(kind.key, kind.age < cutoff).order_by(kind.key).limit(PAGE)
    return db.session.execute(_after(query, kind, after)).all()


def _due(kind: Kind, cutoff: datetime, after: Any, last: Any) -> Sequence[Any]:
    """Return the due keys of a page; a query of its own, so that only the page is evaluated."""
    query = select(kind.key).where(kind.key <= last, kind.is_due(cutoff)).order_by(kind.key)
    return db.session.scalars(_after(query, kind, after)).all()


def _after(query: Any, kind: Kind, after: Any) -> Any:
    return query if after is None else query.where(kind.key > after)


def _let_go(kind: Kind, cutoff: datetime, keys: Sequence[Any]) -> int:
    """Delete or blank these rows if they are still due. Commits."""
    still_due = kind.key.in_(keys), kind.is_due(cutoff)
    statement: Any = delete(kind.model).where(*still_due)
    if kind.blank:
        statement = update(kind.model).where(*still_due).values(dict.fromkeys(kind.blank))
    count = write(statement)
    db.session.commit()
    return count
