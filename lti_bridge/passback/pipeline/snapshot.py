"""Load the rows of one grade, or of many, as values, in few statements."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Row, Select, and_, bindparam, func, or_, select

from ...core import correlation
from ...core.db import db
from ...core.leases import raise_lost
from ...platforms.models import DEPLOYMENT, PLATFORM
from ...platforms.registry import platform_values
from ...registrations.grading import make_policy
from ...registrations.models import GRADE, LAUNCH, LEARNER, LINK, REGISTRATION
from ...registrations.resource_links import creates_line_item
from ...scorm_cloud.progress import CourseOutcome
from ...services import Services
from ..models import CURSOR, SCORE
from ..rules.grade_snapshot import GradeSnapshot, LaunchRow, RegistrationRow, ScoreRow
from ..rules.settlement import PollState

POSTBACKS_WORK_FOR_DAYS = 7


# Read at every step of every score, so without the ORM: plain columns, statements built once.
_CELLS = (
    select(
        GRADE.c.id.label("grade_id"),
        *(column for column in PLATFORM.c if column.name != "grading_policy"),
        PLATFORM.c.grading_policy.label("platform_policy"),
        GRADE.c.resource_link_id.label("link_row_id"),
        GRADE.c.learner_id,
        GRADE.c.result_known,
        GRADE.c.resend,
        GRADE.c.last_timestamp,
        GRADE.c.failures,
        GRADE.c.line_item_looks,
        GRADE.c.parked_at,
        GRADE.c.waits_for_line_item,
        LINK.c.resource_link_id,
        LINK.c.line_item_url,
        LINK.c.line_items_url,
        LINK.c.title.label("link_title"),
        LINK.c.creates_line_item,
        LINK.c.service_scopes,
        LINK.c.launched_at.label("link_launched_at"),
        LINK.c.grading_policy.label("link_policy"),
        LEARNER.c.sub,
    )
    .join_from(GRADE, LINK, LINK.c.id == GRADE.c.resource_link_id)
    .join(LEARNER, LEARNER.c.id == GRADE.c.learner_id)
    .join(DEPLOYMENT, DEPLOYMENT.c.id == LINK.c.deployment_id)
    .join(PLATFORM, PLATFORM.c.id == DEPLOYMENT.c.platform_id)
)
_CELL = _CELLS.where(GRADE.c.id == bindparam("grade_id"))
_OF_LEARNER = (
    REGISTRATION.c.resource_link_id == bindparam("link_row_id"),
    REGISTRATION.c.learner_id == bindparam("learner_id"),
)
_ALL_REGISTRATIONS = (
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
        REGISTRATION.c.kept_completion,
        REGISTRATION.c.kept_success,
        REGISTRATION.c.kept_score,
        REGISTRATION.c.best_real_score,
        REGISTRATION.c.progress_changed_at,
        REGISTRATION.c.submitted_at,
        REGISTRATION.c.completed_at,
        REGISTRATION.c.submission_accepted,
        CURSOR.c.postbacks_seen_at,
    )
    .outerjoin(CURSOR, CURSOR.c.scorm_account_id == REGISTRATION.c.scorm_account_id)
    .where(REGISTRATION.c.created_at.is_not(None))
    .order_by(REGISTRATION.c.attempt)
)
_REGISTRATIONS = _ALL_REGISTRATIONS.where(*_OF_LEARNER)
_NEWEST = LAUNCH.alias("newest")
# Each registration's newest launch, and those with looks under way.
_ALL_LAUNCHES = (
    select(LAUNCH)
    .join(REGISTRATION, REGISTRATION.c.id == LAUNCH.c.registration_id)
    .where(
        or_(
            and_(LAUNCH.c.looks_from.is_not(None), LAUNCH.c.settled_at.is_(None)),
            LAUNCH.c.id
            == select(func.max(_NEWEST.c.id))
            .where(_NEWEST.c.registration_id == REGISTRATION.c.id)
            .scalar_subquery(),
        ),
    )
    .order_by(LAUNCH.c.id.desc())
)
_LAUNCHES = _ALL_LAUNCHES.where(*_OF_LEARNER)
_ALL_SCORES = select(
    SCORE.c.id,
    SCORE.c.registration_id,
    SCORE.c.course_id,
    SCORE.c.attempt,
    SCORE.c.inferred,
    SCORE.c.score_given,
    SCORE.c.state,
    SCORE.c.reason,
    SCORE.c.decided_at,
    SCORE.c.finished_at,
    SCORE.c.timestamp,
    SCORE.c.line_item_url,
    SCORE.c.asked,
    SCORE.c.stopped,
    SCORE.c.renewed,
    SCORE.c.standing,
    SCORE.c.held_before,
    SCORE.c.held_after,
    SCORE.c.unclear_reads,
    SCORE.c.unclear_since,
    SCORE.c.checked_at,
    SCORE.c.sequence,
).order_by(SCORE.c.sequence)
_SCORES = _ALL_SCORES.where(SCORE.c.grade_id == bindparam("grade_id"))
SCORE_COLUMNS = len(_ALL_SCORES.selected_columns)
# The same statements for up to MANY grades at once.
MANY = 500
_CHOSEN = GRADE.c.id.in_(bindparam("grade_ids", expanding=True))
_OF_GRADE = and_(
    GRADE.c.resource_link_id == REGISTRATION.c.resource_link_id,
    GRADE.c.learner_id == REGISTRATION.c.learner_id,
)
_GRADE_ID = GRADE.c.id.label("grade_id")
_MANY_CELLS = _CELLS.where(_CHOSEN)
_MANY_REGISTRATIONS = (
    _ALL_REGISTRATIONS.join(GRADE, _OF_GRADE).add_columns(_GRADE_ID).where(_CHOSEN)
)
_MANY_LAUNCHES = _ALL_LAUNCHES.join(GRADE, _OF_GRADE).add_columns(_GRADE_ID).where(_CHOSEN)
_MANY_SCORES = _ALL_SCORES.add_columns(SCORE.c.grade_id).where(
    SCORE.c.grade_id.in_(bindparam("grade_ids", expanding=True))
)


def _read(query: Select[Any], **values: Any) -> Sequence[Row[Any]]:
    db.session.flush()  # includes the caller's ORM changes
    return db.session.connection().execute(query, values).all()


def load_snapshot(services: Services, grade_id: int) -> GradeSnapshot:
    """Load a grade's values, in the caller's transaction.

    Sets this thread's correlation id to that of the launch. Raises LeaseLost when the grade is
    gone.
    """
    found = _read(_CELL, grade_id=grade_id)
    if not found:  # the learner was erased meanwhile
        raise_lost()
    (cell,) = found
    of_learner = {"link_row_id": cell.link_row_id, "learner_id": cell.learner_id}
    snapshot = _snapshot(
        services,
        cell,
        _read(_REGISTRATIONS, **of_learner),
        _read(_LAUNCHES, **of_learner),
        _read(_SCORES, grade_id=grade_id),
    )
    if snapshot.session is not None:
        correlation.follow(snapshot.session.correlation_id)
    return snapshot


def load_snapshots(services: Services, grade_ids: Sequence[int]) -> Iterator[GradeSnapshot]:
    """Load many grades' values in the order of ids, with four statements per MANY grades.

    Leaves out learners who were erased meanwhile. Reads in the caller's transaction.
    """
    for start in range(0, len(grade_ids), MANY):
        chosen = {"grade_ids": list(grade_ids[start : start + MANY])}
        cells = sorted(_read(_MANY_CELLS, **chosen), key=lambda cell: cast(int, cell.grade_id))
        registrations = _by_grade(_read(_MANY_REGISTRATIONS, **chosen))
        launches = _by_grade(_read(_MANY_LAUNCHES, **chosen))
        scores = _by_grade(_read(_MANY_SCORES, **chosen))
        for cell in cells:
            of = cell.grade_id
            yield _snapshot(services, cell, registrations[of], launches[of], scores[of])


def _by_grade(rows: Sequence[Row[Any]]) -> dict[int, list[Row[Any]]]:
    found: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        found[row.grade_id].append(row)
    return found


def _snapshot(
    services: Services,
    cell: Row[Any],
    registrations: Sequence[Row[Any]],
    launches: Sequence[Row[Any]],
    scores: Sequence[Row[Any]],
) -> GradeSnapshot:
    usual = services.settings.passback.policy
    return GradeSnapshot(
        grade_id=cell.grade_id,
        platform=platform_values(cell),
        link_row_id=cell.link_row_id,
        resource_link_id=cell.resource_link_id,
        line_item_url=cell.line_item_url,
        line_items_url=cell.line_items_url,
        link_title=cell.link_title,
        creates_line_item=creates_line_item(cell, cell),
        granted=cell.service_scopes,
        sub=cell.sub,
        learner_id=cell.learner_id,
        course_id=_current_course(registrations),
        policy=make_policy(usual, cell.platform_policy, cell.link_policy),
        result_known=cell.result_known,
        resend=cell.resend,
        last_timestamp=cell.last_timestamp,
        failures=cell.failures,
        paused_until=cell.paused_until,
        is_throttled=cell.is_throttled,
        is_probe=cell.probe_grade_id == cell.grade_id,
        link_launched_at=cell.link_launched_at,
        parked_at=cell.parked_at,
        waits=cell.waits_for_line_item,
        rounds=cell.line_item_looks,
        all_registrations=tuple(_registration(row) for row in registrations),
        sessions=_sessions(registrations, launches, services),
        all_scores=tuple(ScoreRow(*cast(tuple[Any, ...], row)[:SCORE_COLUMNS]) for row in scores),
    )


def read_registrations(snapshot: GradeSnapshot) -> tuple[RegistrationRow, ...]:
    """Read the progress of a grade's attempts again, in the caller's transaction."""
    of_learner = {"link_row_id": snapshot.link_row_id, "learner_id": snapshot.learner_id}
    return tuple(_registration(row) for row in _read(_REGISTRATIONS, **of_learner))


def read_sessions(services: Services, snapshot: GradeSnapshot) -> tuple[LaunchRow, ...]:
    """Read a grade's launches again, in the caller's transaction."""
    of_learner = {"link_row_id": snapshot.link_row_id, "learner_id": snapshot.learner_id}
    launches = _read(_LAUNCHES, **of_learner)
    return _sessions(_read(_REGISTRATIONS, **of_learner), launches, services)


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
        course_id=row.course_id,
        attempt=row.attempt,
        result=(row.completion, row.success, row.score_scaled),
        kept=_kept(row),
        best_real=row.best_real_score,
        changed_at=row.progress_changed_at,
        submitted_at=row.submitted_at,
        completed_at=row.completed_at,
        attempt_stored=row.submission_accepted,
    )


def _kept(row: Row[Any]) -> CourseOutcome | None:
    if row.kept_completion is None:
        return None
    return CourseOutcome(row.kept_completion, row.kept_success, row.kept_score)


def _sessions(
    registrations: Sequence[Row[Any]], launches: Sequence[Row[Any]], services: Services
) -> tuple[LaunchRow, ...]:
    now = services.now()
    of: dict[int, list[Row[Any]]] = defaultdict(list)
    for launch in launches:
        of[launch.registration_id].append(launch)
    works = {row.id: _postbacks_work(row.postbacks_seen_at, now) for row in registrations}
    return tuple(_session(of[row.id], works[row.id]) for row in registrations if of[row.id])


def _session(launches: list[Row[Any]], postbacks_work: bool) -> LaunchRow:
    """Return the newest launch with looks under way, else the newest launch."""
    newest = launches[0]
    looking = next((one for one in launches if _looks_on(one)), None)
    launch = looking or newest
    looks = None
    if looking is not None:
        looks = PollState(
            since=looking.looks_from,
            made=looking.looks,
            history_made=looking.history_looks,
            postbacks_work=postbacks_work,
            overlaps=looking.overlaps,
            exited=looking.exited_at is not None,
        )
    return LaunchRow(
        launch_id=launch.id,
        registration_id=launch.registration_id,
        correlation_id=launch.correlation_id,
        launched_at=launch.launched_at,
        exited_at=launch.exited_at,
        settled_at=launch.settled_at,
        known=(launch.known_completion, launch.known_success, launch.known_score),
        announced=launch.announced,
        looks=looks,
        # Not ended while a newer session may be open.
        ended=(launch is newest) and (launch.ended or launch.settled_at is not None),
        is_newest=launch is newest,
        besides=sum(1 for one in launches if one is not launch and _looks_on(one)),
    )


def _looks_on(launch: Row[Any]) -> bool:
    return launch.looks_from is not None and launch.settled_at is None


def _postbacks_work(seen_at: datetime | None, now: datetime) -> bool:
    return seen_at is not None and (now - seen_at).days < POSTBACKS_WORK_FOR_DAYS
