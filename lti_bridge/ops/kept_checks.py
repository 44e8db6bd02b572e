"""Stored results of the newest self-tests, which pages show without any call."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from ..core.db import db
from .models import CheckResult

BRIDGE = "bridge"
OK, WARNING, FAILED = "ok", "warning", "failed"
SERIOUSNESS = (OK, WARNING, FAILED)


@dataclass(frozen=True)
class Kept:
    """One stored result; each of `lines` has check, mark, found, who and how."""

    subject: str
    checked_at: datetime
    mark: str
    lines: Sequence[dict[str, Any]]
    failed_since: datetime | None = None


def platform_subject(platform_id: int) -> str:
    """Return the subject of a platform's self-test."""
    return f"platform {platform_id}"


def account_subject(account_id: int) -> str:
    """Return the subject of an account's self-test."""
    return f"account {account_id}"


def kept_checks(subjects: Iterable[str] | None = None) -> dict[str, Kept]:
    """Return the newest result by subject, of all when None, in the caller's transaction."""
    query = select(CheckResult)
    if subjects is not None:
        query = query.where(CheckResult.subject.in_(list(subjects)))
    return {
        row.subject: Kept(row.subject, row.checked_at, row.mark, row.lines, row.failed_since)
        for row in db.session.scalars(query)
    }


def keep_check(subject: str, lines: Sequence[dict[str, Any]], *, now: datetime) -> str:
    """Replace a subject's stored result, in the caller's transaction.

    Returns the worst mark of its lines.
    """
    worst = max((line["mark"] for line in lines), key=SERIOUSNESS.index, default=OK)
    query = select(CheckResult).where(CheckResult.subject == subject)
    row = db.session.scalars(query).one_or_none()
    if row is None:
        row = CheckResult(subject=subject)
        db.session.add(row)
    row.checked_at, row.mark, row.lines = now, worst, list(lines)
    row.failed_since = (row.failed_since or now) if worst == FAILED else None
    return worst
