"""Tables of erasures and of daily jobs."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..core.db import Base, EnumText
from ..platforms.models import Platform


class ErasureState(StrEnum):
    """How far an erasure has come."""

    OPEN = "open"
    STOPPED = "stopped"
    PARTLY = "partly"
    DONE = "done"

    @property
    def meaning(self) -> str:
        """The same in one sentence for people."""
        return _MEANINGS[self]


_MEANINGS = {
    ErasureState.OPEN: "It goes on by itself.",
    ErasureState.STOPPED: "Nothing of ours was erased. Once the reason is mended, erase again.",
    ErasureState.PARTLY: "Our rows are erased; SCORM Cloud still has the registrations named here.",
    ErasureState.DONE: "Everything is erased.",
}


class Erasure(Base):
    """A request to erase a learner, stored first so that a crash only delays it.

    After our rows are deleted it holds no name and no user id; `scorm_learner_id` and `remains`
    stay until SCORM Cloud has deleted everything.
    """

    __tablename__ = "erasure"
    __table_args__ = (Index(None, "state", "next_try_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    platform_id: Mapped[int] = mapped_column(ForeignKey("platform.id"), index=True)
    # No foreign key, as the row is deleted. None afterwards.
    learner_id: Mapped[int | None] = mapped_column(unique=True)
    scorm_learner_id: Mapped[str | None] = mapped_column(String(36))
    ours_anyway: Mapped[bool]  # erase our rows even if SCORM Cloud keeps its own
    state: Mapped[ErasureState] = mapped_column(EnumText(ErasureState, 10))
    reason: Mapped[str | None] = mapped_column(String(500))
    asked_at: Mapped[datetime]
    asked_by: Mapped[str] = mapped_column(String(300))
    tries: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime | None]
    lease_token: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    # Deleted rows by kind; registrations still in SCORM Cloud by account id.
    removed: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    remains: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    platform: Mapped[Platform] = relationship()


class Upkeep(Base):
    """A periodic job that one node runs for all: its due time, lease and last result."""

    __tablename__ = "upkeep"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    next_at: Mapped[datetime | None]
    lease_token: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    counts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
