"""Rows of what runs, and of what the newest self-tests found."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from ..core.db import Base


class CheckResult(Base):
    """What the newest self-test of one platform or account found."""

    __tablename__ = "check_result"

    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(String(100), unique=True)
    checked_at: Mapped[datetime]
    mark: Mapped[str] = mapped_column(String(10))  # the worst of its lines: ok | warning | failed
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    failed_since: Mapped[datetime | None]  # the first of the tests in a row that failed


class NodeProcess(Base):
    """A process of the bridge that says every quarter of a minute that it is there.

    One that ends by itself says so; one that was killed is silent. Their rows stay for a day, or
    until a process of the same kind on the same machine takes their place.
    """

    __tablename__ = "node_process"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(300), unique=True)  # host, kind and process id
    node: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(10))  # web | worker
    version: Mapped[str] = mapped_column(String(40))
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime] = mapped_column(index=True)
    clock_ahead_seconds: Mapped[float]  # this machine's clock before the database's
    skewed_since: Mapped[datetime | None]  # since when that is too much
    ended_at: Mapped[datetime | None]  # it ended by itself
