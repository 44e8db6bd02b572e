"""What the newest self-tests found: kept, so that pages show it without calling anybody."""

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
    """One kept self-test; `lines` hold check, mark, found, who and how."""

    subject: str
    checked_at: datetime
    mark: str
    lines: Sequence[dict[str, Any]]
    failed_since: datetime | None = None


def platform_subject(platform_id: int) -> str:
    """Return what a platform's self-test is kept under."""
    return f"platform {platform_id}"


def account_subject(account_id: int) -> str:
    """Return what an account's self-test is kept under."""
    return f"account {account_id}"


def kept_checks(subjects: Iterable[str] | None = None) -> dict[str, Kept]:
    """Return the newest self-test of each subject, of all when None. Reads in the caller's turn."""
    query = select(CheckResult)
    if subjects is not None:
        query = query.where(CheckResult.subject.in_(list(subjects)))
    return {
        row.subject: Kept(row.subject, row.checked_at, row.mark, row.lines, row.failed_since)
        for row in db.session.scalars(query)
    }


def keep_check(subject: str, lines: Sequence[dict[str, Any]], *, now: datetime) -> str:
    """Keep what a self-test found instead of the one before, in the caller's transaction.

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
