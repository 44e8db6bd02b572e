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


class NodeProcess(Base):
    """A process of the bridge that says every half a minute that it is there.

    One that ends by itself removes its row; one that was killed leaves it for a day.
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
