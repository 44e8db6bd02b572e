"""Rows of the grade's way home: decisions to send, HTTP tries, and the sweep's cursor."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..core.db import Base, SentenceText, one_of, table_of
from ..registrations.models import Grade, Registration, few_of
from .rules.score_states import ScoreState, Standing


class Score(Base):
    """One decision to send a score, and what became of it."""

    __tablename__ = "score"
    __table_args__ = (
        UniqueConstraint("grade_id", "sequence"),
        Index(None, "state"),
        few_of("standing"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    grade_id: Mapped[int] = mapped_column(ForeignKey("grade.id"))
    sequence: Mapped[int]
    # None for a result found in the LMS after a lost database: no registration of ours made it.
    registration_id: Mapped[int | None] = mapped_column(ForeignKey("registration.id"), index=True)
    attempt: Mapped[int]
    course_id: Mapped[str] = mapped_column(String(255))
    inferred: Mapped[bool]
    score_given: Mapped[float]  # of 100, rounded to 4 decimals
    timestamp: Mapped[datetime | None]  # set with the body, at the first try
    body: Mapped[str | None] = mapped_column(Text)  # the exact bytes of every try, as text
    state: Mapped[ScoreState] = mapped_column(one_of(ScoreState, 12))
    reason: Mapped[str] = mapped_column(SentenceText(500))
    decided_at: Mapped[datetime]
    finished_at: Mapped[datetime | None] = mapped_column(index=True)
    after_loss: Mapped[bool] = mapped_column(default=False)  # the LMS had lost the one before
    # Where it went, or was to go; None: to the column of its link, before this was kept.
    line_item_url: Mapped[str | None] = mapped_column(String(1000))
    # A person wanted it sent, whatever stands; or took it out of the way.
    asked: Mapped[bool] = mapped_column(default=False, server_default=false())
    stopped: Mapped[bool] = mapped_column(default=False, server_default=false())
    # It stands in for one that the LMS could not take as it was: that is done once.
    renewed: Mapped[bool] = mapped_column(default=False, server_default=false())
    # What the LMS held before its first post, as far as it was read; how an accepted score stands
    # (rules/score_states.py), and what the LMS held right after it.
    held_before: Mapped[float | None]
    standing: Mapped[Standing | None] = mapped_column(one_of(Standing, 20))
    held_after: Mapped[float | None]
    # Readings of the gradebook that could not be understood, in a row.
    unclear_reads: Mapped[int] = mapped_column(default=0, server_default="0")
    unclear_since: Mapped[datetime | None]
    # An equal answer came of a session, and the LMS was asked whether this one still stands.
    checked_at: Mapped[datetime | None]

    grade: Mapped[Grade] = relationship()
    registration: Mapped[Registration | None] = relationship()


class ScoreTry(Base):
    """One HTTP try of a score; written before the call, completed after it."""

    __tablename__ = "score_try"

    id: Mapped[int] = mapped_column(primary_key=True)
    score_id: Mapped[int] = mapped_column(ForeignKey("score.id"), index=True)
    tried_at: Mapped[datetime]
    status: Mapped[int | None]  # None: no answer came
    excerpt: Mapped[str | None] = mapped_column(String(500))
    outcome: Mapped[str | None] = mapped_column(String(20))
    duration_ms: Mapped[int | None]


class SweepCursor(Base):
    """How far the sweep of one SCORM Cloud account has come, and which node runs it."""

    __tablename__ = "sweep_cursor"

    id: Mapped[int] = mapped_column(primary_key=True)
    scorm_account_id: Mapped[int] = mapped_column(ForeignKey("scorm_account.id"), unique=True)
    since: Mapped[datetime | None]  # the next sweep asks from here: with an overlap, so older
    swept_at: Mapped[datetime | None]  # the newest sweep that read every page ended
    next_sweep_at: Mapped[datetime | None]
    lease_token: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None]
    postbacks_seen_at: Mapped[datetime | None]  # this account's postbacks are known to reach us


# For statements that are built once.
SCORE, TRY, CURSOR = table_of(Score), table_of(ScoreTry), table_of(SweepCursor)
