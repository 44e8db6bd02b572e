"""The audit log: what people did, when, and to what."""

from datetime import datetime

from sqlalchemy import select

from ..core.db import db
from .actor import Actor, Scope
from .models import AuditEntry

OPERATOR = "the operator, by a command"
AT_ONCE = 50


def record(
    actor: Actor | str,
    action: str,
    subject: str,
    text: str,
    *,
    now: datetime,
    platform_id: int | None = None,
) -> None:
    """Add an entry in the caller's transaction, so that it stands if and only if the deed does.

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


def list_entries(
    scope: Scope, *, before: int | None = None, subject: str = "", at_most: int = AT_ONCE
) -> list[AuditEntry]:
    """Return the newest entries that somebody may see, older than the entry `before`."""
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(at_most)
    if scope.platform_id is not None:
        query = query.where(AuditEntry.platform_id == scope.platform_id)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    if subject:
        query = query.where(AuditEntry.subject == subject)
    return list(db.session.scalars(query))
