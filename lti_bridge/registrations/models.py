"""Rows shared by launches and passback: links, learners, registrations, launches, grades."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint, and_, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..core.db import Base, EnumText, SentenceText, table_of
from ..platforms.models import Deployment, Platform, ScormAccount
from ..scorm_cloud.progress import Completion, Success


def few_of(column: str) -> Index:
    """Return a partial index of the few rows in which a column is not null.

    It stays small, and SQLite's statistics show that it finds few rows.
    """
    there = text(f"{column} IS NOT NULL")
    return Index(None, column, sqlite_where=there, postgresql_where=there)


_COMPLETION, _SUCCESS = EnumText(Completion, 10), EnumText(Success, 10)


class ResourceLink(Base):
    """One placement of the tool in a context: its course, its grading policy, its line item."""

    __tablename__ = "resource_link"
    __table_args__ = (UniqueConstraint("deployment_identity", "resource_link_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    deployment_identity: Mapped[str] = mapped_column(String(36))
    resource_link_id: Mapped[str] = mapped_column(String(255))
    # Of the newest launch; its platform issues the tokens for scores.
    deployment_id: Mapped[int] = mapped_column(ForeignKey("deployment.id"), index=True)
    context_id: Mapped[str | None] = mapped_column(String(255))
    context_title: Mapped[str | None] = mapped_column(String(500))
    title: Mapped[str | None] = mapped_column(String(500))
    custom_course: Mapped[str | None] = mapped_column(String(255))
    remembered_course: Mapped[str | None] = mapped_column(String(255))
    override_course: Mapped[str | None] = mapped_column(String(255))
    # {"answer": …, "completion": …, "partial": …, "teacher_grade": …}; absent keys come from the
    # platform's policy.
    grading_policy: Mapped[dict[str, Any] | None]
    attempts_allowed: Mapped[int] = mapped_column(default=1)  # 0: unlimited
    line_item_url: Mapped[str | None] = mapped_column(String(1000))
    line_items_url: Mapped[str | None] = mapped_column(String(1000))
    # Scopes of the newest AGS claim, and NRPS's if claimed; JSON null before the first.
    service_scopes: Mapped[list[str] | None] = mapped_column(JSON, nullable=False)
    memberships_url: Mapped[str | None] = mapped_column(String(1000))
    return_url: Mapped[str | None] = mapped_column(String(2000))
    player_window: Mapped[bool | None]  # None: the platform's setting
    creates_line_item: Mapped[bool | None]  # None: the platform's setting
    # The lease for creating its line item. It stays when the outcome of the request is unknown.
    line_item_lease_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    launched_at: Mapped[datetime]
    reconciled_at: Mapped[datetime | None]  # its newest turn in the comparison with the LMS
    compared_at: Mapped[datetime | None]  # the end of the newest comparison
    # Why the newest comparison failed; None: it did not.
    comparison_failure: Mapped[str | None] = mapped_column(String(500))

    deployment: Mapped[Deployment] = relationship()


class StaffVisit(Base):
    """A user who launched a context as staff; for some hours, launches as learner are previews.

    Moodle's "switch role to student" sends the same user without any mark, and refuses scores.
    """

    __tablename__ = "staff_visit"
    __table_args__ = (UniqueConstraint("platform_identity", "context_id", "sub"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    platform_identity: Mapped[str] = mapped_column(String(36))
    context_id: Mapped[str] = mapped_column(String(255))
    sub: Mapped[str] = mapped_column(String(255))
    first_seen_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]  # None: stored by a release without this column


class Learner(Base):
    """One user of a platform, with the learner id used in SCORM Cloud."""

    __tablename__ = "learner"
    __table_args__ = (UniqueConstraint("platform_identity", "sub"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    platform_id: Mapped[int] = mapped_column(ForeignKey("platform.id"), index=True)
    platform_identity: Mapped[str] = mapped_column(String(36))
    sub: Mapped[str] = mapped_column(String(255))
    scorm_learner_id: Mapped[str] = mapped_column(String(36), index=True)
    first_name: Mapped[str | None] = mapped_column(String(255))
    last_name: Mapped[str | None] = mapped_column(String(255))
    email: Mapped[str | None] = mapped_column(String(320))
    name_changed_at: Mapped[datetime | None]  # until SCORM Cloud has the new name
    created_at: Mapped[datetime]

    platform: Mapped[Platform] = relationship()


class Registration(Base):
    """A learner's attempt at a course in one resource link, and its progress."""

    __tablename__ = "registration"
    __table_args__ = (
        UniqueConstraint("resource_link_id", "learner_id", "course_id", "attempt"),
        few_of("recheck_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    registration_id: Mapped[str] = mapped_column(String(36), unique=True)
    resource_link_id: Mapped[int] = mapped_column(ForeignKey("resource_link.id"))
    learner_id: Mapped[int] = mapped_column(ForeignKey("learner.id"), index=True)
    course_id: Mapped[str] = mapped_column(String(255))
    attempt: Mapped[int]
    scorm_account_id: Mapped[int] = mapped_column(ForeignKey("scorm_account.id"), index=True)
    opened_at: Mapped[datetime]  # when this row was created
    created_at: Mapped[datetime | None]  # when we learnt that SCORM Cloud has it
    posted_at: Mapped[datetime | None]  # when we sent the POST, whatever its outcome
    create_lease_token: Mapped[str | None] = mapped_column(String(32))
    create_lease_until: Mapped[datetime | None]
    # SCORM Cloud had it and our rows did not: the LMS is asked for its result before sending.
    recovered: Mapped[bool] = mapped_column(default=False)
    # The newest progress.
    completion: Mapped[Completion] = mapped_column(_COMPLETION, default=Completion.UNKNOWN)
    success: Mapped[Success] = mapped_column(_SUCCESS, default=Success.UNKNOWN)
    score_scaled: Mapped[float | None]
    best_real_score: Mapped[float | None]  # the highest score that counted as a result
    # The outcome before a relaunch, or before a restart within a session; all None without one.
    kept_completion: Mapped[Completion | None] = mapped_column(_COMPLETION)
    kept_success: Mapped[Success | None] = mapped_column(_SUCCESS)
    kept_score: Mapped[float | None]
    reported_at: Mapped[datetime | None]  # SCORM Cloud's time of this progress
    seconds_tracked: Mapped[float] = mapped_column(default=0.0)
    progress_asked_at: Mapped[datetime | None]
    progress_changed_at: Mapped[datetime | None] = mapped_column(index=True)
    completed_at: Mapped[datetime | None]  # first completion, by SCORM Cloud's clock
    # When the newest session began; its end is read from the launch history.
    launched_at: Mapped[datetime | None]
    recheck_at: Mapped[datetime | None]  # next single read, after 1 h, 24 h and 7 d
    submitted_at: Mapped[datetime | None]  # one submittedAt for all scores of the attempt (Canvas)
    submission_accepted: Mapped[bool] = mapped_column(default=False)

    resource_link: Mapped[ResourceLink] = relationship()
    learner: Mapped[Learner] = relationship()
    account: Mapped[ScormAccount] = relationship()


class Launch(Base):
    """One launch that opened the player; the exit token contains its id."""

    __tablename__ = "launch"
    # Exit tokens never expire: SQLite must not reuse an erased launch's id.
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(primary_key=True)
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"), index=True)
    launched_at: Mapped[datetime] = mapped_column(index=True)
    cookie_rung: Mapped[str] = mapped_column(String(20))
    correlation_id: Mapped[str] = mapped_column(String(32))
    return_url: Mapped[str | None] = mapped_column(String(2000))
    locale: Mapped[str | None] = mapped_column(String(35))
    # Progress at launch; the result of an exit must differ from it.
    known_completion: Mapped[Completion] = mapped_column(_COMPLETION)
    known_success: Mapped[Success] = mapped_column(_SUCCESS)
    known_score: Mapped[float | None]
    # It began while an earlier exit was unsettled: all of its scheduled reads are made.
    overlaps: Mapped[bool] = mapped_column(default=False)
    exited_at: Mapped[datetime | None]
    woken_at: Mapped[datetime | None]  # newest wake-up by its exit token or a postback
    announced: Mapped[str | None] = mapped_column(String(60))  # what a postback announced
    looks_from: Mapped[datetime | None]  # start of the schedule of reads
    looks: Mapped[int] = mapped_column(default=0)
    history_looks: Mapped[int] = mapped_column(default=0)
    ended: Mapped[bool] = mapped_column(default=False)  # the launch history shows that it ended
    settled_at: Mapped[datetime | None]

    registration: Mapped[Registration] = relationship()


class Grade(Base):
    """One learner's grade in one link: when to read and send it, its lease, its decision."""

    __tablename__ = "grade"
    __table_args__ = (
        UniqueConstraint("resource_link_id", "learner_id"),
        few_of("next_read_at"),
        few_of("next_send_at"),
        Index(
            None,
            "resource_link_id",
            sqlite_where=text("compared IN ('lost', 'cleared')"),
            postgresql_where=text("compared IN ('lost', 'cleared')"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    resource_link_id: Mapped[int] = mapped_column(ForeignKey("resource_link.id"))
    learner_id: Mapped[int] = mapped_column(ForeignKey("learner.id"), index=True)
    platform_id: Mapped[int] = mapped_column(ForeignKey("platform.id"), index=True)
    next_read_at: Mapped[datetime | None]
    next_send_at: Mapped[datetime | None]
    lease_token: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None]
    generation: Mapped[int] = mapped_column(default=0)
    woken_at: Mapped[datetime | None]
    last_timestamp: Mapped[datetime | None]
    # The policy's newest decision, with its reason for teachers.
    decision: Mapped[str | None] = mapped_column(String(20))
    decision_reason: Mapped[str | None] = mapped_column(SentenceText(500))
    failures: Mapped[int] = mapped_column(default=0)  # consecutive failed reads, for the back-off
    # Automatic tries of a score that waits for an event, such as a line item.
    line_item_looks: Mapped[int] = mapped_column(default=0)
    waits_for_line_item: Mapped[bool] = mapped_column(default=False)
    result_known: Mapped[bool] = mapped_column(default=True)  # False: ask the LMS before sending
    # Send it though unchanged: because a person, or a comparison with the LMS, asked for that.
    resend: Mapped[str | None] = mapped_column(String(20))  # asked | lost
    # Attempts granted to this learner beyond the link's.
    further_attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    # When its score was parked until an event; when the newest event woke it.
    parked_at: Mapped[datetime | None]
    event_at: Mapped[datetime | None]
    # Result of the newest comparison with the LMS (passback/rules/drift.py) or a person's decision
    # about it, and the score that the LMS held, of 100.
    compared: Mapped[str | None] = mapped_column(String(12))
    compared_score: Mapped[float | None]

    resource_link: Mapped[ResourceLink] = relationship()
    learner: Mapped[Learner] = relationship()
    platform: Mapped[Platform] = relationship()


# Joins a grade with the registrations (attempts) that it is computed from.
OF_SAME_GRADE = and_(
    Grade.resource_link_id == Registration.resource_link_id,
    Grade.learner_id == Registration.learner_id,
)


class TrailEvent(Base):
    """One entry of a registration's history, in plain words."""

    __tablename__ = "trail_event"
    __table_args__ = (Index(None, "registration_id", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"))
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(30))
    text: Mapped[str] = mapped_column(Text)
    correlation_id: Mapped[str | None] = mapped_column(String(32))


# For statements that are built once, when their module is imported.
LINK, LEARNER, STAFF = table_of(ResourceLink), table_of(Learner), table_of(StaffVisit)
REGISTRATION, LAUNCH = table_of(Registration), table_of(Launch)
GRADE = table_of(Grade)
