"""Read a registration's progress under the lease, and say whether to look again."""

import random
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import update

from ...core.db import db
from ...core.errors import NotFound, Refused, Unavailable
from ...platforms.models import ScormAccount
from ...registrations.grade_updates import store_progress, trail
from ...registrations.models import Launch
from ...scorm_cloud.progress import LaunchHistoryEntry, Progress
from ...services import Services
from ...web.sentences import N_
from ..rules.grading_policy import rests_on_result
from ..rules.retry_policy import Backoff, wait_seconds
from ..rules.settlement import (
    PollState,
    Seen,
    is_settled,
    knows_more_than,
    next_look_at,
    wants_history,
)
from .lease import GradeLease, hold
from .snapshot import GradeSnapshot, LaunchRow, RegistrationRow, attempts_of, load_snapshot

# SCORM Cloud and we may differ by a few seconds on when a launch began.
CLOCK_TOLERANCE = timedelta(seconds=30)


def read_progress(services: Services, lease: GradeLease, snapshot: GradeSnapshot) -> None:
    """Read the newest attempt, keep what it says, and plan the next look in the lease.

    Leaves every failure as a later look. Commits before and after each call.
    """
    registration = snapshot.newest
    if registration is None:
        lease.next_read_at = None
        return
    try:
        progress, asked_at = _get(services, lease, registration)
    except NotFound:
        _note_gone(services, lease, snapshot, registration)
        return
    except (Unavailable, Refused) as error:
        _look_later(services, lease, snapshot, error)
        return
    lease.values["failures"] = 0
    hold(services, lease)  # the grade's row is locked before its registration's, as by all others
    if store_progress(registration.row_id, progress, asked_at):
        trail(registration.row_id, "progress", describe(progress), asked_at, _correlation(snapshot))
    services.events.publish("read", dialect=snapshot.platform.dialect)
    snapshot = load_snapshot(snapshot.grade_id, asked_at)
    if snapshot.session is None or snapshot.session.looks is None:
        lease.next_read_at = None
        db.session.commit()
        return
    assert snapshot.newest is not None
    _after_look(
        services, lease, snapshot, snapshot.newest, snapshot.session, snapshot.session.looks
    )


def _get(
    services: Services, lease: GradeLease, registration: RegistrationRow
) -> tuple[Progress, datetime]:
    deadline = services.settings.scorm_cloud.deadline_seconds
    hold(services, lease, deadline)
    account = db.session.get_one(ScormAccount, registration.account_id)
    db.session.commit()
    asked_at = services.now()
    cloud = services.scorm_cloud(account)
    return cloud.get_registration(registration.registration_id, deadline_seconds=deadline), asked_at


def _after_look(
    services: Services,
    lease: GradeLease,
    snapshot: GradeSnapshot,
    registration: RegistrationRow,
    session: LaunchRow,
    looks: PollState,
) -> None:
    """Settle this exit, or plan the next look; ask the launch history when a grade is inferred."""
    looks = replace(looks, made=looks.made + 1)
    seen, knows_more = _seen(snapshot, registration, session, services.now()), False
    if wants_history(looks, seen):
        db.session.commit()
        end = _ask_history(services, lease, registration, session)
        looks = replace(looks, history_made=looks.history_made + 1)
        knows_more = end is not None and knows_more_than(end, *registration.result)
        seen = replace(seen, ended=end is not None and not knows_more)
    now = services.now()
    following = None if is_settled(looks, seen) else next_look_at(looks, now)
    if knows_more:
        following = now  # the result came between the two questions
    hold(services, lease)
    values: dict[str, object] = {"looks": looks.made, "history_looks": looks.history_made}
    if seen.ended:
        values["ended"] = True
    if following is None:
        _stop_looking(registration, session, values, now)
    # An exit or a postback that came during the read has started looks of its own: those stand.
    same_looks = (
        Launch.id == session.launch_id,
        Launch.looks_from == looks.since,
        Launch.exited_at.is_not_distinct_from(session.exited_at),
    )
    db.session.execute(
        update(Launch)
        .where(*same_looks)
        .values(values)
        .execution_options(synchronize_session=False)
    )
    lease.next_read_at = following
    db.session.commit()
    if following is None and session.exited_at is not None:
        result = "found" if is_settled(looks, seen) else "none"
        reads = looks.made + looks.history_made
        services.events.publish("settled", result=result, reads=reads)


def _stop_looking(
    registration: RegistrationRow, session: LaunchRow, values: dict[str, object], now: datetime
) -> None:
    """Settle every exit of this registration with the newest one; an open session stays open."""
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
    db.session.execute(
        earlier.values(settled_at=now, looks_from=None).execution_options(synchronize_session=False)
    )


def _seen(
    snapshot: GradeSnapshot, registration: RegistrationRow, session: LaunchRow, now: datetime
) -> Seen:
    attempt = attempts_of(snapshot, now)[-1]
    result = rests_on_result(attempt)
    return Seen(
        differs=registration.result != session.known,
        rests_on_result=result,
        inferred=attempt.completion == "COMPLETED" and attempt.score is None,
        announced=session.announced is not None
        and announce(*registration.result) == session.announced,
        ended=session.ended,
    )


def announce(completion: str, success: str, score: float | None) -> str:
    """Return a result as the short text that a postback leaves behind."""
    return f"{completion}|{success}|{'' if score is None else f'{score:g}'}"


def _ask_history(
    services: Services, lease: GradeLease, registration: RegistrationRow, session: LaunchRow
) -> LaunchHistoryEntry | None:
    """Return the end of this launch if SCORM Cloud knows it; an unanswered question is a no."""
    deadline = services.settings.scorm_cloud.deadline_seconds
    hold(services, lease, deadline)
    launched_at = db.session.get_one(Launch, session.launch_id).launched_at
    account = db.session.get_one(ScormAccount, registration.account_id)
    db.session.commit()
    cloud = services.scorm_cloud(account)
    try:
        history = cloud.get_launch_history(registration.registration_id)
    except (Unavailable, Refused):
        return None
    services.events.publish("read_history")
    since = launched_at - CLOCK_TOLERANCE
    ends = [one for one in history if one.exited_at and one.launched_at]
    return max(
        (one for one in ends if one.launched_at and one.launched_at >= since),
        key=lambda one: one.exited_at or since,
        default=None,
    )


def _note_gone(
    services: Services, lease: GradeLease, snapshot: GradeSnapshot, registration: RegistrationRow
) -> None:
    hold(services, lease)
    now = services.now()
    text = N_("SCORM Cloud no longer has this registration.")
    trail(registration.row_id, "gone", text, now, _correlation(snapshot))
    lease.values["decision_reason"] = text
    lease.next_read_at = None
    if snapshot.session is not None:
        _stop_looking(registration, snapshot.session, {}, now)
    db.session.commit()
    services.events.publish("read_gone")


def _look_later(
    services: Services, lease: GradeLease, snapshot: GradeSnapshot, error: Exception
) -> None:
    """A look that failed is made again: soon at first, then less often, never given up."""
    failures = snapshot.failures + 1
    passback = services.settings.passback
    backoff = Backoff(min(2.0, passback.backoff_seconds), passback.backoff_seconds_max)
    asked = error.retry_after if isinstance(error, Unavailable) else None
    wait = wait_seconds(failures, random.random(), backoff, asked)
    lease.values["failures"] = failures
    lease.values["decision_reason"] = N_(
        "SCORM Cloud did not answer; the result is read again soon."
    )
    lease.next_read_at = services.now() + timedelta(seconds=wait)
    services.events.publish("read_failed")


def _correlation(snapshot: GradeSnapshot) -> str | None:
    return snapshot.session.correlation_id if snapshot.session is not None else None


def describe(progress: Progress) -> str:
    """Say progress in words."""
    completion = {"COMPLETED": "completed", "INCOMPLETE": "not completed"}
    success = {"PASSED": "passed", "FAILED": "failed"}
    words = [completion.get(progress.completion.value, "completion unknown")]
    words.append(success.get(progress.success.value, "neither passed nor failed"))
    words.append(
        "no score" if progress.score_scaled is None else f"score {progress.score_scaled:g}"
    )
    return f"SCORM Cloud reports: {', '.join(words)}."
