"""Tables of problems that leave no trace in other rows."""

from datetime import datetime

from sqlalchemy import JSON, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ..core.db import Base


class RefusedLaunch(Base):
    """Launches of one LMS refused for one reason, counted.

    The values are unverified and may come from any site: texts are cut, and there are at most a
    thousand rows. No data of the user is stored.
    """

    __tablename__ = "refused_launch"
    __table_args__ = (UniqueConstraint("code", "issuer", "client_id", "deployment_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40))
    issuer: Mapped[str] = mapped_column(String(255))
    client_id: Mapped[str] = mapped_column(String(255))
    deployment_id: Mapped[str] = mapped_column(String(255))
    count: Mapped[int]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime] = mapped_column(index=True)
    # References of the newest error pages; the newest last.
    page_references: Mapped[list[str]] = mapped_column(JSON)


class Outage(Base):
    """Something that currently fails, other than grades; deleted when it works again.

    `kind` is a ProblemKind, `subject` the row that it is about, such as "account 3". `is_refusal`:
    the remote answered, and trying again does not help.
    """

    __tablename__ = "outage"
    __table_args__ = (UniqueConstraint("kind", "subject"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    subject: Mapped[str] = mapped_column(String(100))
    began_at: Mapped[datetime]
    failed_at: Mapped[datetime]
    failure: Mapped[str] = mapped_column(String(500))
    is_refusal: Mapped[bool]
