"""Tables of running processes and of self-test results."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from ..core.db import Base


class CheckResult(Base):
    """The newest self-test result of the bridge, a platform or an account."""

    __tablename__ = "check_result"

    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(String(100), unique=True)
    checked_at: Mapped[datetime]
    mark: Mapped[str] = mapped_column(String(10))  # the worst line: ok | warning | failed
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    failed_since: Mapped[datetime | None]  # first of the latest consecutive failures


class NodeProcess(Base):
    """A process of the bridge, which updates its row every 15 seconds.

    A process that ends normally sets `ended_at`; a killed one falls silent. Rows stay for a day, or
    until a process of the same kind on the same machine replaces them.
    """

    __tablename__ = "node_process"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(300), unique=True)  # host, kind and process id
    node: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(10))  # web | worker
    version: Mapped[str] = mapped_column(String(40))
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime] = mapped_column(index=True)
    clock_ahead_seconds: Mapped[float]  # machine's clock minus the database's
    skewed_since: Mapped[datetime | None]  # since when the difference is too large
    ended_at: Mapped[datetime | None]  # set by a normal end
