"""Read a registration's progress under the lease, and schedule the next look."""

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import update

from ...core.db import db, write
from ...core.errors import NotFound, Refused, Unavailable
from ...core.sentences import coded
from ...platforms.models import ScormAccount
from ...registrations.grade_updates import store_progress, trail
from ...registrations.models import Launch
from ...scorm_cloud.progress import Completion, CourseOutcome, LaunchHistoryEntry, Progress, Success
from ...services import Services
from ..rules.grade_snapshot import GradeSnapshot, LaunchRow, RegistrationRow
from ..rules.retry_policy import Backoff, wait_seconds
from ..rules.settlement import (
    PollState,
    Seen,
    is_settled,
    knows_more_than,
    next_look_at,
    wants_history,
)
from .lease import GradeLease, hold, outlast
from .snapshot import read_registrations, read_sessions

# SCORM Cloud's time of a launch may differ from ours by some seconds.
CLOCK_TOLERANCE = timedelta(seconds=30)
GONE = coded("registration_gone", "SCORM Cloud no longer has this registration.")
NOT_READ = coded("not_read", "SCORM Cloud did not answer; the result is read again soon.")


@dataclass(frozen=True)
class Look:
    """The result of a look: when to look again, consecutive failures, and why it failed."""

    next_read_at: datetime | None
    failures: int = 0
    reason: str | None = None


def read_progress(
    services: Services, lease: GradeLease, snapshot: GradeSnapshot
) -> tuple[GradeLease, GradeSnapshot, Look]:
    """Read the attempt whose result is looked for, and store its progress.

    Returns the grade's new values and when to look again; a failure is repeated later. Commits
    before each call; writes after the last call belong to the caller's transaction.
    """
    registration = _attempt_to_read(snapshot)
    if registration is None:
        return lease, snapshot, Look(None)
    deadline = services.settings.scorm_cloud.deadline_seconds
    account = db.session.get_one(ScormAccount, registration.account_id)
    lease = outlast(services, lease, deadline)
    asked_at = services.now()
    try:
        cloud = services.scorm_cloud(account)
        progress = cloud.get_registration(registration.registration_id, deadline_seconds=deadline)
    except NotFound:
        return _note_gone(services, lease, snapshot, registration)
    except (Unavailable, Refused) as error:
        return lease, snapshot, _look_later(services, snapshot, error)
    lease = hold(services, lease)  # locks the grade before its registration
    if store_progress(registration.row_id, progress, asked_at):
        trail(registration.row_id, "progress", describe(progress), asked_at, _correlation(snapshot))
        registrations = _with_progress(snapshot, registration, progress, asked_at)
    else:  # unchanged, or newer progress is stored
        registrations = read_registrations(snapshot)
    services.events.publish("read", dialect=snapshot.platform.dialect)
    snapshot = replace(snapshot, all_registrations=registrations)
    fresh, session = snapshot.registration_of(registration.row_id), snapshot.session
    if fresh is None or session is None or session.looks is None:
        return lease, snapshot, Look(None)
    return _after_look(services, lease, snapshot, fresh, session, session.looks)


def _with_progress(
    snapshot: GradeSnapshot, registration: RegistrationRow, progress: Progress, at: datetime
) -> tuple[RegistrationRow, ...]:
    """Return the attempts with newly stored progress."""
    report, before = progress.outcome, CourseOutcome(*registration.result)
    best, real = registration.best_real, report.score if report.is_real else None
    fresh = replace(
        registration,
        result=progress.result,
        kept=before if before.is_real and not report.is_real else registration.kept,
        best_real=best if real is None else max(real, best if best is not None else real),
        changed_at=at,
        completed_at=registration.completed_at or progress.completed_at,
    )
    return tuple(fresh if one.row_id == fresh.row_id else one for one in snapshot.all_registrations)


def _attempt_to_read(snapshot: GradeSnapshot) -> RegistrationRow | None:
    """Return the attempt of the launch whose result is looked for, else the newest."""
    session = snapshot.session
    if session is not None and session.looks is not None:
        return snapshot.registration_of(session.registration_id)
    return snapshot.newest


def _after_look(
    services: Services,
    lease: GradeLease,
    snapshot: GradeSnapshot,
    registration: RegistrationRow,
    session: LaunchRow,
    looks: PollState,
) -> tuple[GradeLease, GradeSnapshot, Look]:
    """Settle the exit or schedule the next look; read the launch history for inferred grades."""
    looks = replace(looks, made=looks.made + 1)
    seen, knows_more = _seen(registration, session), False
    if wants_history(looks, seen):
        lease, end = _ask_history(services, lease, registration, session)
        looks = replace(looks, history_made=looks.history_made + 1)
        knows_more = end is not None and knows_more_than(end, *registration.result)
        seen = replace(seen, ended=end is not None and not knows_more)
        lease = hold(services, lease)
    now = services.now()
    following = None if is_settled(looks, seen) else next_look_at(looks, now)
    if knows_more:
        following = now  # the result arrived between the two requests
    values: dict[str, object] = {"looks": looks.made, "history_looks": looks.history_made}
    if seen.ended:
        values["ended"] = True
    if following is None:
        _stop_looking(registration, session, values, now)
    kept = _keep_looks(session, looks, values)
    if following is None and session.exited_at is not None:
        result = "found" if is_settled(looks, seen) else "none"
        reads = looks.made + looks.history_made
        services.events.publish("settled", result=result, reads=reads)
    if kept and not session.besides:
        sessions = _with(snapshot, _looked_at(session, looks, seen.ended, following, now))
    else:
        sessions = read_sessions(services, snapshot)
    snapshot = replace(snapshot, sessions=sessions)
    if following is None and snapshot.session is not None and snapshot.session.looks is not None:
        following = now  # an exit of another attempt is next
    return lease, snapshot, Look(following)


def _keep_looks(session: LaunchRow, looks: PollState, values: dict[str, object]) -> bool:
    """Store a look's result, unless an exit or postback has restarted the schedule."""
    same_looks = (
        Launch.id == session.launch_id,
        Launch.looks_from == looks.since,
        Launch.exited_at.is_not_distinct_from(session.exited_at),
    )
    return write(update(Launch).where(*same_looks).values(values)) > 0


def _looked_at(
    session: LaunchRow,
    looks: PollState,
    ended: bool,
    following: datetime | None,
    now: datetime,
) -> LaunchRow:
    """Return a launch's values after a look."""
    if following is not None:
        return replace(session, looks=looks, ended=session.ended or (ended and session.is_newest))
    settled_at = now if session.exited_at is not None else session.settled_at
    over = session.ended or ended or settled_at is not None
    return replace(
        session,
        looks=None,
        announced=None,
        settled_at=settled_at,
        ended=over and session.is_newest,
    )


def _with(snapshot: GradeSnapshot, session: LaunchRow) -> tuple[LaunchRow, ...]:
    return tuple(
        session if one.launch_id == session.launch_id else one for one in snapshot.sessions
    )


def _stop_looking(
    registration: RegistrationRow, session: LaunchRow, values: dict[str, object], now: datetime
) -> None:
    """Settle this exit and the registration's earlier ones; an open session stays unsettled."""
    values |= {"looks_from": None, "announced": None}
    if session.exited_at is None:
        return
    values["settled_at"] = now
    earlier = update(Launch).where(
        Launch.registration_id == registration.row_id,
        Launch.exited_at.is_not(None),
        Launch.settled_at.is_(None),
        Launch.id < session.launch_id,
        Launch.exited_at <= session.exited_at,
    )
    write(earlier.values(settled_at=now, looks_from=None))


def _seen(registration: RegistrationRow, session: LaunchRow) -> Seen:
    report = CourseOutcome(*registration.result)
    return Seen(
        differs=registration.result != session.known,
        rests_on_result=report.is_real,
        inferred=report.is_outcome and not report.is_real,
        announced=session.announced is not None
        and announce(*registration.result) == session.announced,
        ended=session.ended,
    )


def announce(completion: Completion, success: Success, score: float | None) -> str:
    """Return a result as a short text, stored when a postback announces it."""
    return f"{completion}|{success}|{'' if score is None else f'{score:g}'}"


def _ask_history(
    services: Services, lease: GradeLease, registration: RegistrationRow, session: LaunchRow
) -> tuple[GradeLease, LaunchHistoryEntry | None]:
    """Return this launch's entry of the launch history, if it has ended; None on a failure, too."""
    deadline = services.settings.scorm_cloud.deadline_seconds
    account = db.session.get_one(ScormAccount, registration.account_id)
    lease = outlast(services, lease, deadline)
    cloud = services.scorm_cloud(account)
    try:
        history = cloud.get_launch_history(registration.registration_id)
    except (Unavailable, Refused):
        return lease, None
    services.events.publish("read_history")
    since = session.launched_at - CLOCK_TOLERANCE
    ends = [one for one in history if one.exited_at and one.launched_at]
    return lease, max(
        (one for one in ends if one.launched_at and one.launched_at >= since),
        key=lambda one: one.exited_at or since,
        default=None,
    )


def _note_gone(
    services: Services, lease: GradeLease, snapshot: GradeSnapshot, registration: RegistrationRow
) -> tuple[GradeLease, GradeSnapshot, Look]:
    lease = hold(services, lease)
    now = services.now()
    trail(registration.row_id, "gone", GONE, now, _correlation(snapshot))
    session = snapshot.session_of(registration)
    if session is not None:
        values: dict[str, object] = {}
        _stop_looking(registration, session, values, now)
        statement = update(Launch).where(Launch.id == session.launch_id).values(values)
        write(statement)
    services.events.publish("read_gone")
    snapshot = replace(snapshot, sessions=read_sessions(services, snapshot))
    following = snapshot.session is not None and snapshot.session.looks is not None
    return lease, snapshot, Look(now if following else None, reason=GONE)


def _look_later(services: Services, snapshot: GradeSnapshot, error: Exception) -> Look:
    """Schedule the repetition of a failed look, with back-off and without a limit."""
    failures = snapshot.failures + 1
    passback = services.settings.passback
    backoff = Backoff(min(2.0, passback.backoff_seconds), passback.backoff_seconds_max)
    asked = error.retry_after if isinstance(error, Unavailable) else None
    wait = wait_seconds(failures, random.random(), backoff, asked)
    services.events.publish("read_failed")
    return Look(services.now() + timedelta(seconds=wait), failures, NOT_READ)


def _correlation(snapshot: GradeSnapshot) -> str | None:
    return snapshot.session.correlation_id if snapshot.session is not None else None


def describe(progress: Progress) -> str:
    """Return progress as a sentence."""
    words = [progress.completion.label or "completion unknown"]
    words.append(progress.success.label or "neither passed nor failed")
    words.append(
        "no score" if progress.score_scaled is None else f"score {progress.score_scaled:g}"
    )
    return f"SCORM Cloud reports: {', '.join(words)}."
