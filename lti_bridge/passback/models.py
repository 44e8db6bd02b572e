"""Rows of passback: decided scores, HTTP tries, and the sweep's cursor."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..core.db import Base, EnumText, SentenceText, table_of
from ..registrations.models import Grade, Registration, few_of
from .rules.score_states import ScoreState, Standing, TryOutcome


class Score(Base):
    """One decision to send a score, and its outcome."""

    __tablename__ = "score"
    __table_args__ = (
        UniqueConstraint("grade_id", "sequence"),
        Index(None, "state"),
        few_of("standing"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    grade_id: Mapped[int] = mapped_column(ForeignKey("grade.id"))
    sequence: Mapped[int]
    # None for a result found in the LMS after a lost database: it has no registration.
    registration_id: Mapped[int | None] = mapped_column(ForeignKey("registration.id"), index=True)
    attempt: Mapped[int]
    course_id: Mapped[str] = mapped_column(String(255))
    inferred: Mapped[bool]
    score_given: Mapped[float]  # of 100, rounded to 4 decimals
    timestamp: Mapped[datetime | None]  # set with the body at the first try
    body: Mapped[str | None] = mapped_column(Text)  # the exact bytes of every try, as text
    state: Mapped[ScoreState] = mapped_column(EnumText(ScoreState, 12))
    reason: Mapped[str] = mapped_column(SentenceText(500))
    decided_at: Mapped[datetime]
    finished_at: Mapped[datetime | None] = mapped_column(index=True)
    after_loss: Mapped[bool] = mapped_column(default=False)  # sent because the LMS lost the last
    # The line item it was sent to; None: the link's, in rows older than this column.
    line_item_url: Mapped[str | None] = mapped_column(String(1000))
    # A person asked to send it, whatever the LMS holds; or a person stopped it.
    asked: Mapped[bool] = mapped_column(default=False, server_default=false())
    stopped: Mapped[bool] = mapped_column(default=False, server_default=false())
    # Replaces a score that the LMS could not take as it was; done only once.
    renewed: Mapped[bool] = mapped_column(default=False, server_default=false())
    # What the LMS held before the first post, if read; the standing of an accepted score
    # (rules/score_states.py), and what the LMS held right after it.
    held_before: Mapped[float | None]
    standing: Mapped[Standing | None] = mapped_column(EnumText(Standing, 20))
    held_after: Mapped[float | None]
    # Consecutive gradebook reads with an unclear result.
    unclear_reads: Mapped[int] = mapped_column(default=0, server_default="0")
    unclear_since: Mapped[datetime | None]
    # When the LMS was asked whether it still stands, since a later session gave an equal score.
    checked_at: Mapped[datetime | None]

    grade: Mapped[Grade] = relationship()
    registration: Mapped[Registration | None] = relationship()


class ScoreTry(Base):
    """One HTTP try of a score; inserted before the call, completed after it."""

    __tablename__ = "score_try"

    id: Mapped[int] = mapped_column(primary_key=True)
    score_id: Mapped[int] = mapped_column(ForeignKey("score.id"), index=True)
    tried_at: Mapped[datetime]
    status: Mapped[int | None]  # None: no answer
    excerpt: Mapped[str | None] = mapped_column(String(500))
    outcome: Mapped[TryOutcome | None] = mapped_column(EnumText(TryOutcome, 20))
    duration_ms: Mapped[int | None]


class SweepCursor(Base):
    """The sweep's position in one SCORM Cloud account, and the lease of the sweeping node."""

    __tablename__ = "sweep_cursor"

    id: Mapped[int] = mapped_column(primary_key=True)
    scorm_account_id: Mapped[int] = mapped_column(ForeignKey("scorm_account.id"), unique=True)
    since: Mapped[datetime | None]  # start of the next sweep's query, which overlaps the last one's
    swept_at: Mapped[datetime | None]  # end of the newest complete sweep
    next_sweep_at: Mapped[datetime | None]
    lease_token: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None]
    postbacks_seen_at: Mapped[datetime | None]  # newest postback from this account


# For statements that are built once, when their module is imported.
SCORE, TRY, CURSOR = table_of(Score), table_of(ScoreTry), table_of(SweepCursor)
