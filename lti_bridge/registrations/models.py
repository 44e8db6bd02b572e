"""Rows that launches and passback share: link, learner, registration, launch, grade, trail."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint, and_, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..core.db import Base, SentenceText, one_of, table_of
from ..platforms.models import Deployment, Platform, ScormAccount
from ..scorm_cloud.progress import Completion, Success


def few_of(column: str) -> Index:
    """An index of the rows in which a column is filled: a handful of all that there are.

    Holds none of the others, so it stays small, and SQLite's statistics tell how few it finds.
    """
    there = text(f"{column} IS NOT NULL")
    return Index(None, column, sqlite_where=there, postgresql_where=there)


_COMPLETION, _SUCCESS = one_of(Completion, 10), one_of(Success, 10)


class ResourceLink(Base):
    """One placement of the tool in a context: its course, its grading policy, its line item."""

    __tablename__ = "resource_link"
    __table_args__ = (UniqueConstraint("deployment_identity", "resource_link_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    deployment_identity: Mapped[str] = mapped_column(String(36))
    resource_link_id: Mapped[str] = mapped_column(String(255))
    # The deployment of the newest launch: tokens and the client id for scores come from there.
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
    # Of the newest AGS claim, and NRPS's where it came too; JSON's null while none has come.
    service_scopes: Mapped[list[str] | None] = mapped_column(JSON, nullable=False)
    memberships_url: Mapped[str | None] = mapped_column(String(1000))
    return_url: Mapped[str | None] = mapped_column(String(2000))
    player_window: Mapped[bool | None]  # None: as the platform has it
    creates_line_item: Mapped[bool | None]  # None: as the platform has it
    # Until then nobody else creates its line item. It stays when nobody knows what came of that.
    line_item_lease_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    launched_at: Mapped[datetime]
    reconciled_at: Mapped[datetime | None]  # it last had its turn to be compared with our rows
    compared_at: Mapped[datetime | None]  # the newest comparison ended
    # Why the newest one could not be made, None when it could.
    comparison_failure: Mapped[str | None] = mapped_column(String(500))

    deployment: Mapped[Deployment] = relationship()


class StaffVisit(Base):
    """A user who launched a context as staff: as "learner" they only look there for some hours.

    Moodle's "switch role to student" sends the same user without any mark, and refuses scores.
    """

    __tablename__ = "staff_visit"
    __table_args__ = (UniqueConstraint("platform_identity", "context_id", "sub"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    platform_identity: Mapped[str] = mapped_column(String(36))
    context_id: Mapped[str] = mapped_column(String(255))
    sub: Mapped[str] = mapped_column(String(255))
    first_seen_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]  # None: written by a release that kept no newer moment


class Learner(Base):
    """One user of a platform, under the id that SCORM Cloud knows."""

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
    name_changed_at: Mapped[datetime | None]  # SCORM Cloud is yet to be told
    created_at: Mapped[datetime]

    platform: Mapped[Platform] = relationship()


class Registration(Base):
    """A learner in a course, for one resource link and attempt, and their progress."""

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
    opened_at: Mapped[datetime]  # our row was made
    created_at: Mapped[datetime | None]  # SCORM Cloud has it; None until we know
    posted_at: Mapped[datetime | None]  # we asked SCORM Cloud to create it, whatever came of it
    create_lease_token: Mapped[str | None] = mapped_column(String(32))
    create_lease_until: Mapped[datetime | None]
    # HEAD found it though our rows did not know it: the LMS is asked for a result first.
    recovered: Mapped[bool] = mapped_column(default=False)
    # Newest progress.
    completion: Mapped[Completion] = mapped_column(_COMPLETION, default=Completion.UNKNOWN)
    success: Mapped[Success] = mapped_column(_SUCCESS, default=Success.UNKNOWN)
    score_scaled: Mapped[float | None]
    best_real_score: Mapped[float | None]  # highest score that counted as a result
    # The outcome before it was opened again, or began anew within a session; all None without one.
    kept_completion: Mapped[Completion | None] = mapped_column(_COMPLETION)
    kept_success: Mapped[Success | None] = mapped_column(_SUCCESS)
    kept_score: Mapped[float | None]
    reported_at: Mapped[datetime | None]  # when this progress was new, by SCORM Cloud's clock
    seconds_tracked: Mapped[float] = mapped_column(default=0.0)
    progress_asked_at: Mapped[datetime | None]
    progress_changed_at: Mapped[datetime | None] = mapped_column(index=True)
    completed_at: Mapped[datetime | None]  # the course was first completed, by SCORM Cloud's clock
    # The end of the newest session is known from the launch history (see settling).
    launched_at: Mapped[datetime | None]
    recheck_at: Mapped[datetime | None]  # single reads after 1 h, 24 h and 7 d
    submitted_at: Mapped[datetime | None]  # Canvas: one value for all scores of this attempt
    submission_accepted: Mapped[bool] = mapped_column(default=False)

    resource_link: Mapped[ResourceLink] = relationship()
    learner: Mapped[Learner] = relationship()
    account: Mapped[ScormAccount] = relationship()


class Launch(Base):
    """One click that opened the player; its id is what the exit token names."""

    __tablename__ = "launch"
    # An exit token never expires: SQLite must not give an erased launch's number to another.
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(primary_key=True)
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"), index=True)
    launched_at: Mapped[datetime] = mapped_column(index=True)
    cookie_rung: Mapped[str] = mapped_column(String(20))
    correlation_id: Mapped[str] = mapped_column(String(32))
    return_url: Mapped[str | None] = mapped_column(String(2000))
    locale: Mapped[str | None] = mapped_column(String(35))
    # Progress known at launch: what an exit's result must differ from.
    known_completion: Mapped[Completion] = mapped_column(_COMPLETION)
    known_success: Mapped[Success] = mapped_column(_SUCCESS)
    known_score: Mapped[float | None]
    # The launch began while an earlier exit was unsettled: its schedule runs to the end.
    overlaps: Mapped[bool] = mapped_column(default=False)
    exited_at: Mapped[datetime | None]
    woken_at: Mapped[datetime | None]  # newest wake by this exit token or a postback
    announced: Mapped[str | None] = mapped_column(String(60))  # what a postback said is to come
    looks_from: Mapped[datetime | None]  # the schedule of looks counts from here
    looks: Mapped[int] = mapped_column(default=0)
    history_looks: Mapped[int] = mapped_column(default=0)
    ended: Mapped[bool] = mapped_column(default=False)  # launch history shows that it ended
    settled_at: Mapped[datetime | None]

    registration: Mapped[Registration] = relationship()


class Grade(Base):
    """One gradebook cell: when to look next, who is working on it, and the last timestamp sent."""

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
    # What the policy said last, in words a teacher reads.
    decision: Mapped[str | None] = mapped_column(String(20))
    decision_reason: Mapped[str | None] = mapped_column(SentenceText(500))
    failures: Mapped[int] = mapped_column(default=0)  # of reads in a row, for the back-off
    # How often a score that waits for an event, a line item for one, was tried by itself.
    line_item_looks: Mapped[int] = mapped_column(default=0)
    waits_for_line_item: Mapped[bool] = mapped_column(default=False)
    result_known: Mapped[bool] = mapped_column(default=True)  # False: ask the LMS before sending
    # A person, or a comparison with the LMS, wants the grade sent though it has not changed.
    resend: Mapped[str | None] = mapped_column(String(20))  # asked | lost
    # Attempts that somebody allowed this learner beyond the link's.
    further_attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    # Its score is parked, and an event may end what keeps it; the newest event that woke it.
    parked_at: Mapped[datetime | None]
    event_at: Mapped[datetime | None]
    # What the newest comparison with the LMS found (passback/rules/drift.py), or a person decided;
    # and what the LMS held then, of 100.
    compared: Mapped[str | None] = mapped_column(String(12))
    compared_score: Mapped[float | None]

    resource_link: Mapped[ResourceLink] = relationship()
    learner: Mapped[Learner] = relationship()
    platform: Mapped[Platform] = relationship()


# A registration is one attempt at what a grade is for.
OF_SAME_GRADE = and_(
    Grade.resource_link_id == Registration.resource_link_id,
    Grade.learner_id == Registration.learner_id,
)


class TrailEvent(Base):
    """One thing that happened to a registration, in plain words, for the people who ask why."""

    __tablename__ = "trail_event"
    __table_args__ = (Index(None, "registration_id", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"))
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(30))
    text: Mapped[str] = mapped_column(Text)
    correlation_id: Mapped[str | None] = mapped_column(String(32))


# For statements that are built once.
LINK, LEARNER, STAFF = table_of(ResourceLink), table_of(Learner), table_of(StaffVisit)
REGISTRATION, LAUNCH = table_of(Registration), table_of(Launch)
GRADE = table_of(Grade)
