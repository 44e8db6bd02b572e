"""The table of the audit log."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from ..core.db import Base


class AuditEntry(Base):
    """One action of a person, in the console or by a command; never changed or deleted.

    `subject` names what it was done to, such as "platform 3"; `text` holds no learner's name.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index(None, "platform_id", "id"),
        Index(None, "action", "id"),
        Index(None, "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(300))
    action: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(100), index=True)
    platform_id: Mapped[int | None] = mapped_column(ForeignKey("platform.id"))
    text: Mapped[str] = mapped_column(Text)
