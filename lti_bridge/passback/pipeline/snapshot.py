"""One grade's case as values: who, where, which attempts, what was decided. No row outlives it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Row, Select, Table, and_, bindparam, func, or_, select

from ...core import correlation
from ...core.db import Base, db
from ...core.leases import LeaseLost
from ...lti.values import Granted, PlatformValues
from ...platforms.models import Deployment, Platform
from ...platforms.registry import platform_values
from ...registrations.models import Grade, Launch, Learner, Registration, ResourceLink
from ..models import Score, ScoreTry, SweepCursor
from ..rules.grading_policy import Attempt, Decided, GradingPolicy, make_policy
from ..rules.settlement import PollState, quiet_until

POSTBACKS_WORK_FOR_DAYS = 7


@dataclass(frozen=True)
class RegistrationRow:
    """One attempt's registration, its newest session, and what is known of it."""

    row_id: int
    registration_id: str
    account_id: int
    attempt: int
    result: tuple[str, str, float | None]
    best_real: float | None
    changed_at: datetime | None
    submitted_at: datetime | None
    submission_accepted: bool


@dataclass(frozen=True)
class LaunchRow:
    """The launch whose result is looked for (or the newest one), as it stands."""

    launch_id: int
    correlation_id: str
    exited_at: datetime | None
    known: tuple[str, str, float | None]
    announced: str | None
    looks: PollState | None  # None: no look is wanted
    ended: bool


@dataclass(frozen=True)
class ScoreRow:
    """One decision of before, as its Score's row has it."""

    id: int
    registration_id: int | None
    attempt: int
    inferred: bool
    score_given: float
    state: str
    decided_at: datetime
    finished_at: datetime | None
    is_new: bool = False  # decided in the transaction that read the case


@dataclass(frozen=True)
class GradeSnapshot:
    """Everything that reading, deciding and sending need."""

    grade_id: int
    platform: PlatformValues
    link_row_id: int
    resource_link_id: str
    line_item_url: str | None
    line_items_url: str | None
    granted: Granted  # scopes, by the link's newest launch
    sub: str
    course_id: str
    policy: GradingPolicy
    result_known: bool
    resend: str | None
    last_timestamp: datetime | None
    failures: int
    line_item_looks: int
    registrations: tuple[
        RegistrationRow, ...
    ]  # every attempt of the current course, the newest last
    session: LaunchRow | None  # of the newest attempt
    scores: tuple[ScoreRow, ...]  # every decision of the current course, the newest last
    last_sequence: int  # of all its Scores, whatever the course

    @property
    def newest(self) -> RegistrationRow | None:
        """The registration of the newest attempt."""
        return self.registrations[-1] if self.registrations else None


def _table(model: type[Base]) -> Table:
    return cast(Table, model.__table__)


# Read at every step of every score's way, so without the mapper: plain columns, built once.
GRADE, LINK, LEARNER = _table(Grade), _table(ResourceLink), _table(Learner)
DEPLOYMENT, PLATFORM = _table(Deployment), _table(Platform)
REGISTRATION, LAUNCH = _table(Registration), _table(Launch)
SCORE, TRY = _table(Score), _table(ScoreTry)

_CELL = (
    select(
        *(column for column in PLATFORM.c if column.name != "grading_policy"),
        PLATFORM.c.grading_policy.label("platform_policy"),
        GRADE.c.resource_link_id.label("link_row_id"),
        GRADE.c.learner_id,
        GRADE.c.result_known,
        GRADE.c.resend,
        GRADE.c.last_timestamp,
        GRADE.c.failures,
        GRADE.c.line_item_looks,
        LINK.c.resource_link_id,
        LINK.c.line_item_url,
        LINK.c.line_items_url,
        LINK.c.service_scopes,
        LINK.c.grading_policy.label("link_policy"),
        LEARNER.c.sub,
        select(func.max(SCORE.c.sequence))
        .where(SCORE.c.grade_id == GRADE.c.id)
        .scalar_subquery()
        .label("last_sequence"),
    )
    .join_from(GRADE, LINK, LINK.c.id == GRADE.c.resource_link_id)
    .join(LEARNER, LEARNER.c.id == GRADE.c.learner_id)
    .join(DEPLOYMENT, DEPLOYMENT.c.id == LINK.c.deployment_id)
    .join(PLATFORM, PLATFORM.c.id == DEPLOYMENT.c.platform_id)
    .where(GRADE.c.id == bindparam("grade_id"))
)
_REGISTRATIONS = (
    select(
        REGISTRATION.c.id,
        REGISTRATION.c.registration_id,
        REGISTRATION.c.scorm_account_id,
        REGISTRATION.c.course_id,
        REGISTRATION.c.attempt,
        REGISTRATION.c.launched_at,
        REGISTRATION.c.completion,
        REGISTRATION.c.success,
        REGISTRATION.c.score_scaled,
        REGISTRATION.c.best_real_score,
        REGISTRATION.c.progress_changed_at,
        REGISTRATION.c.submitted_at,
        REGISTRATION.c.submission_accepted,
    )
    .where(
        REGISTRATION.c.resource_link_id == bindparam("link_row_id"),
        REGISTRATION.c.learner_id == bindparam("learner_id"),
        REGISTRATION.c.created_at.is_not(None),
    )
    .order_by(REGISTRATION.c.attempt)
)
_NEWEST = LAUNCH.alias("newest")
# The newest launch, and those whose looks are under way.
_LAUNCHES = (
    select(LAUNCH)
    .where(
        LAUNCH.c.registration_id == bindparam("of_registration"),
        or_(
            and_(LAUNCH.c.looks_from.is_not(None), LAUNCH.c.settled_at.is_(None)),
            LAUNCH.c.id
            == select(func.max(_NEWEST.c.id))
            .where(_NEWEST.c.registration_id == bindparam("of_registration"))
            .scalar_subquery(),
        ),
    )
    .order_by(LAUNCH.c.id.desc())
)
_SCORES = (
    select(
        SCORE.c.id,
        SCORE.c.registration_id,
        SCORE.c.attempt,
        SCORE.c.inferred,
        SCORE.c.score_given,
        SCORE.c.state,
        SCORE.c.decided_at,
        SCORE.c.finished_at,
    )
    .where(SCORE.c.grade_id == bindparam("grade_id"), SCORE.c.course_id == bindparam("course_id"))
    .order_by(SCORE.c.sequence)
)


def _read(query: Select[Any], **values: Any) -> Sequence[Row[Any]]:
    db.session.flush()  # what the caller has changed by the mapper is part of the case
    return db.session.connection().execute(query, values).all()


def load_snapshot(grade_id: int, now: datetime) -> GradeSnapshot:
    """Read a grade's case; the transaction stays the caller's.

    From here on the log tells the story of the launch whose result is looked for. Raises LeaseLost
    when the grade has gone.
    """
    found = _read(_CELL, grade_id=grade_id)
    if not found:  # the learner was erased, by somebody who has the lease
        db.session.rollback()
        raise LeaseLost
    (cell,) = found
    all_registrations = _read(
        _REGISTRATIONS, link_row_id=cell.link_row_id, learner_id=cell.learner_id
    )
    course_id = _current_course(all_registrations)
    registrations = tuple(
        _registration(row) for row in all_registrations if row.course_id == course_id
    )
    scores = _read(_SCORES, grade_id=grade_id, course_id=course_id)
    session = _session(registrations[-1], now) if registrations else None
    if session is not None:
        correlation.follow(session.correlation_id)
    return GradeSnapshot(
        grade_id=grade_id,
        platform=platform_values(cell),
        link_row_id=cell.link_row_id,
        resource_link_id=cell.resource_link_id,
        line_item_url=cell.line_item_url,
        line_items_url=cell.line_items_url,
        granted=cell.service_scopes,
        sub=cell.sub,
        course_id=course_id,
        policy=make_policy(cell.platform_policy, cell.link_policy),
        result_known=cell.result_known,
        resend=cell.resend,
        last_timestamp=cell.last_timestamp,
        failures=cell.failures,
        line_item_looks=cell.line_item_looks,
        registrations=registrations,
        session=session,
        scores=tuple(ScoreRow(*cast(tuple[Any, ...], row)) for row in scores),
        last_sequence=cell.last_sequence or 0,
    )


def _current_course(registrations: Sequence[Row[Any]]) -> str:
    """Return the course of the newest launch; without any launch, of the highest attempt."""
    launched = [row for row in registrations if row.launched_at is not None]
    newest = max(launched, key=lambda row: (row.launched_at, row.attempt), default=None)
    if newest is None:
        newest = max(registrations, key=lambda row: row.attempt, default=None)
    return newest.course_id if newest is not None else ""


def _registration(row: Row[Any]) -> RegistrationRow:
    return RegistrationRow(
        row_id=row.id,
        registration_id=row.registration_id,
        account_id=row.scorm_account_id,
        attempt=row.attempt,
        result=(row.completion, row.success, row.score_scaled),
        best_real=row.best_real_score,
        changed_at=row.progress_changed_at,
        submitted_at=row.submitted_at,
        submission_accepted=row.submission_accepted,
    )


def _session(registration: RegistrationRow, now: datetime) -> LaunchRow | None:
    """The newest launch whose looks are under way, else the newest launch."""
    launches = _read(_LAUNCHES, of_registration=registration.row_id)
    if not launches:
        return None
    newest = launches[0]
    looking = next((one for one in launches if _looks_on(one)), None)
    launch = looking or newest
    looks = None
    if looking is not None:
        looks = PollState(
            since=looking.looks_from,
            made=looking.looks,
            history_made=looking.history_looks,
            postbacks_work=_postbacks_work(registration.account_id, now),
            overlaps=looking.overlaps,
            exited=looking.exited_at is not None,
        )
    return LaunchRow(
        launch_id=launch.id,
        correlation_id=launch.correlation_id,
        exited_at=launch.exited_at,
        known=(launch.known_completion, launch.known_success, launch.known_score),
        announced=launch.announced,
        looks=looks,
        # A newer session may be open already: then nothing has ended.
        ended=(launch is newest) and (launch.ended or launch.settled_at is not None),
    )


def _looks_on(launch: Row[Any]) -> bool:
    return launch.looks_from is not None and launch.settled_at is None


def _postbacks_work(account_id: int, now: datetime) -> bool:
    cursor = select(SweepCursor.postbacks_seen_at).where(SweepCursor.scorm_account_id == account_id)
    seen_at = db.session.scalar(cursor)
    return seen_at is not None and (now - seen_at).days < POSTBACKS_WORK_FOR_DAYS


def attempts_of(snapshot: GradeSnapshot, now: datetime) -> list[Attempt]:
    """Return the attempts as the grading policy takes them.

    An attempt that was graded by inference before stays so; one whose session is open counts as
    ended after a quiet time.
    """
    inferred_before = {score.attempt for score in snapshot.scores if score.inferred}
    attempts = []
    for registration in snapshot.registrations:
        is_newest = registration is snapshot.newest
        quiet = quiet_until(registration.changed_at)
        ended = (
            registration.attempt in inferred_before
            or not is_newest
            or (snapshot.session is not None and snapshot.session.ended)
            or (quiet is not None and quiet <= now)
        )
        completion, success, score = registration.result
        attempts.append(
            Attempt(
                number=registration.attempt,
                completion=completion,
                success=success,
                score=score,
                best_real=registration.best_real,
                ended=ended,
                quiet_until=quiet,
            )
        )
    return attempts


def newest_decision(snapshot: GradeSnapshot) -> Decided | None:
    """Return what was decided last for the current course."""
    return Decided(snapshot.scores[-1].score_given) if snapshot.scores else None


def found_in_lms(snapshot: GradeSnapshot) -> float | None:
    """Return the result that the LMS held after a lost database, if one was found."""
    found = [s.score_given for s in snapshot.scores if s.registration_id is None]
    return max(found, default=None)


def link_row(snapshot: GradeSnapshot) -> ResourceLink:
    """Return the resource link's row, for a write."""
    return db.session.get_one(ResourceLink, snapshot.link_row_id)
