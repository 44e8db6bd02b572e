"""The audit log: who did what, when, and to which object."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from sqlalchemy import ColumnElement, or_, select

from ..core.db import db
from .actor import Actor, Scope
from .models import AuditEntry

OPERATOR = "the operator, by a command"
AT_ONCE = 50
# The filter's kinds and their actions.
KINDS = {
    "grades": (
        *("resend", "reread", "retry", "park", "another", "reset", "reset-outcome"),
        *("compare", "reconcile", "leave"),
    ),
    "activities": ("policy", "course", "link"),
    "courses": ("upload",),
    "platforms": ("platform", "connect", "approve", "succeed"),
    "accounts": ("account",),
    "checks": ("test",),
    "keys": ("keys",),
    "people": ("join", "password", "disable", "enable", "grant", "revoke"),
    "one-time links": ("invite",),
    "privacy": ("erase", "export", "retention"),
    "database": ("migrate",),
    "problems": ("forget",),
}


def record(
    actor: Actor | str,
    action: str,
    subject: str,
    text: str,
    *,
    now: datetime,
    platform_id: int | None = None,
) -> None:
    """Add an entry in the caller's transaction, so that it is stored with the change it records.

    `action` is a short verb, such as "resend"; `subject` names the row, such as "grade 12".
    """
    who = actor if isinstance(actor, str) else f"{actor.role} {actor.name}"
    db.session.add(
        AuditEntry(
            at=now,
            actor=who[:300],
            action=action,
            subject=subject[:100],
            platform_id=platform_id,
            text=text,
        )
    )


@dataclass(frozen=True)
class EntryFilter:
    """Filter of entries: by text in any column (`search`), subject, kind and days.

    `since` and `until` are days of UTC, both included.
    """

    search: str = ""
    subject: str = ""
    kind: str = ""
    since: date | None = None
    until: date | None = None


def list_entries(
    scope: Scope,
    wanted: EntryFilter,
    *,
    before: int | None = None,
    at_most: int = AT_ONCE,
) -> list[AuditEntry]:
    """Return the newest entries in a user's scope, older than the entry `before`."""
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(at_most)
    if scope.platform_id is not None:
        query = query.where(AuditEntry.platform_id == scope.platform_id)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    return list(db.session.scalars(query.where(*_conditions(wanted))))


def _conditions(wanted: EntryFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.search:
        columns = AuditEntry.actor, AuditEntry.text, AuditEntry.subject
        yield or_(*(column.icontains(wanted.search, autoescape=True) for column in columns))
    if wanted.subject:
        yield AuditEntry.subject == wanted.subject
    if wanted.kind in KINDS:
        yield AuditEntry.action.in_(KINDS[wanted.kind])
    if wanted.since is not None:
        yield AuditEntry.at >= datetime.combine(wanted.since, time.min, UTC)
    if wanted.until is not None:
        yield AuditEntry.at <= datetime.combine(wanted.until, time.max, UTC)
