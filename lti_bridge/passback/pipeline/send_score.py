"""Send a grade's queued Score under the lease: record the intent, call, record the outcome."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, insert, select

from ...core.db import db, update_rows
from ...core.errors import NotFound, Refused, Unavailable
from ...lms import score_replies
from ...lms.base import Submission
from ...lms.registry import get_lms
from ...lti.scores import moment_text, score_body
from ...lti.values import SCOPE_SCORE, Granted, LmsReply, LmsResult, PlatformValues
from ...registrations.grade_updates import trail
from ...services import Services
from ...web.sentences import N_, format_message
from ..rules import reasons
from ..rules.retry_policy import Backoff, gives_up, wait_seconds
from ..rules.score_states import ACCEPTED, PARKED, QUEUED, SUPERSEDED
from .find_line_item import find_line_item, wait_for_launch
from .lease import GradeLease, finish, give_back, hold, wake_next
from .recover_result import learn_result
from .snapshot import (
    REGISTRATION,
    SCORE,
    TRY,
    GradeSnapshot,
    RegistrationRow,
    ScoreRow,
    link_row,
    load_snapshot,
)
from .throttle import PlatformGate

AT_LEAST_APART = timedelta(seconds=1)
NOT_GRANTED = N_(
    "The LMS does not let the tool send scores for this activity: an admin of the LMS can grant "
    "the scope score. The score is sent then."
)
# An always refused token is a matter for an admin: not asked again in a loop.
NO_ACCESS_SECONDS = 600.0
NO_TOKEN = N_("The LMS gives the tool no access token; it is tried again.")
NO_ACCESS = N_("The LMS does not accept the tool's access token; an admin must look at it.")
_BODY = select(SCORE.c.body).where(SCORE.c.id == bindparam("score_id"))
_INSERT_TRY = insert(TRY).returning(TRY.c.id)


@dataclass(frozen=True)
class ScoreRequest:
    """One Score ready to go: values only, no row held across the call."""

    score: ScoreRow
    body: bytes
    line_item_url: str
    platform: PlatformValues
    granted: Granted
    sub: str


@dataclass
class Try:
    """One HTTP try: its row, what the row is to hold, and what came of it."""

    id: int
    outcome: score_replies.Outcome
    values: dict[str, Any]
    pause: float | None = None  # seconds that the LMS wants to be left alone


def send_queued(
    services: Services, lease: GradeLease, gate: PlatformGate, snapshot: GradeSnapshot
) -> None:
    """Bring the grade's queued Score on its way, as far as it can go now, and give it back.

    The caller's transaction goes on: usually the decision, the intent and the bytes are one.
    Commits before and after each call.
    """
    now = services.now()
    score = next((s for s in snapshot.scores if s.state == QUEUED), None)
    lease.next_send_at = None
    if score is None:
        finish(services, lease)
    elif gives_up(score.decided_at, now, services.settings.passback.give_up_days):
        reason = N_("Gave up: it was tried for too long.")
        _end_score(services, lease, snapshot, score, None, PARKED, reason)
    elif wait := gate.enter(snapshot.platform.id, get_lms(snapshot.platform.dialect)):
        lease.send_at(now + timedelta(seconds=wait))
        finish(services, lease)
    else:
        _send(services, lease, gate, snapshot, score)


def _send(
    services: Services,
    lease: GradeLease,
    gate: PlatformGate,
    snapshot: GradeSnapshot,
    score: ScoreRow,
) -> None:
    """Make one delivery in the place that the gate gave, and give the place back."""
    answered, pause = True, None
    try:
        request = _make_parcel(services, lease, snapshot, score)
        made = _deliver(services, lease, request) if request is not None else None
        if made is not None:
            answered, pause = not isinstance(made.outcome, score_replies.TryLater), made.pause
    finally:
        gate.leave(snapshot.platform.id, answered=answered, wait_seconds=pause)
    if request is None or made is None:
        finish(services, lease)
    else:
        _settle(services, lease, snapshot, request, made)


def _make_parcel(
    services: Services, lease: GradeLease, snapshot: GradeSnapshot, score: ScoreRow
) -> ScoreRequest | None:
    """Return what is to be posted; None leaves in the lease when to go on.

    Usually without a call, in the transaction that came in.
    """
    if snapshot.granted is not None and SCOPE_SCORE not in snapshot.granted:
        wait_for_launch(services, lease, snapshot, NOT_GRANTED)
        return None
    if not snapshot.result_known:
        if not learn_result(services, lease, snapshot):
            return None
        snapshot = load_snapshot(lease.grade_id, services.now())
        if not any(s.id == score.id and s.state == QUEUED for s in snapshot.scores):
            # What the LMS holds changed the decision: decide again at once.
            lease.send_at(services.now())
            return None
    line_item_url = find_line_item(services, lease, snapshot, score.id)
    if line_item_url is None:
        return None
    body = _fix_body(services, lease, snapshot, score)
    if body is None:
        return None
    return ScoreRequest(
        score, body.encode(), line_item_url, snapshot.platform, snapshot.granted, snapshot.sub
    )


def _fix_body(
    services: Services, lease: GradeLease, snapshot: GradeSnapshot, score: ScoreRow
) -> str | None:
    """Fix the timestamp and the exact bytes at the first try; None when it is too early.

    Extends the lease past the call that follows.
    """
    deadline = services.settings.passback.lms_deadline_seconds
    if (body := _kept_body(score)) is not None:
        hold(services, lease, deadline)
        return body
    now = services.now()
    moment = _timestamp(snapshot.last_timestamp, now)
    if moment > now:
        lease.send_at(moment)
        return None
    lease.at_once["last_timestamp"] = lease.values["last_timestamp"] = moment
    hold(services, lease, deadline)
    return _write_body(services, snapshot, score, moment)


def _kept_body(score: ScoreRow) -> str | None:
    """Return what was sent before; a Score of this transaction has nothing yet."""
    if score.is_new:
        return None
    connection = db.session.connection()
    body: str | None = connection.execute(_BODY, {"score_id": score.id}).scalar_one()
    return body


def _timestamp(last: datetime | None, now: datetime) -> datetime:
    """Whole milliseconds, a second after the last one: Moodle compares whole seconds."""
    moment = now.replace(microsecond=now.microsecond // 1000 * 1000)
    return moment if last is None else max(moment, last + AT_LEAST_APART)


def _write_body(
    services: Services, snapshot: GradeSnapshot, score: ScoreRow, moment: datetime
) -> str:
    registration = _registration_of(snapshot, score)
    submitted_at = (registration.submitted_at if registration is not None else None) or moment
    submission = Submission(
        is_new=registration is not None and not registration.submission_accepted,
        submitted_at=moment_text(submitted_at),
    )
    body = score_body(
        sub=snapshot.sub,
        score_given=score.score_given,
        timestamp=moment,
        extension=get_lms(snapshot.platform.dialect).score_extension(submission),
    ).decode()
    connection = db.session.connection()
    if registration is not None and registration.submitted_at is None:
        first = {"id": registration.row_id, "submitted_at": None}
        update_rows(connection, REGISTRATION, first, {"submitted_at": submitted_at})
    update_rows(connection, SCORE, {"id": score.id}, {"timestamp": moment, "body": body})
    return body


def _registration_of(snapshot: GradeSnapshot, score: ScoreRow) -> RegistrationRow | None:
    return next((s for s in snapshot.registrations if s.row_id == score.registration_id), None)


def _deliver(services: Services, lease: GradeLease, request: ScoreRequest) -> Try:
    """Post the score; once more with a new access token when the LMS wants that."""
    made = _try(services, request)
    if isinstance(made.outcome, score_replies.Reauthorize):
        services.gradebook.forget_token(request.platform)
        _end_try_alone(services, lease, request, made)
        hold(services, lease, services.settings.passback.lms_deadline_seconds)
        made = _try(services, request)
    if isinstance(made.outcome, score_replies.CompareResult):
        _end_try_alone(services, lease, request, made)
        made.outcome = _compare(services, lease, request)
        made.values = {}
    return made


def _try(services: Services, request: ScoreRequest) -> Try:
    """Make one HTTP try; its row is written before the call. Commits before it."""
    begun = {"score_id": request.score.id, "tried_at": services.now()}
    try_id = db.session.connection().execute(_INSERT_TRY, begun).scalar_one()
    db.session.commit()
    deadline = services.settings.passback.lms_deadline_seconds
    try:
        reply = services.gradebook.send_score(
            request.platform,
            request.line_item_url,
            request.body,
            granted=request.granted,
            deadline_seconds=deadline,
        )
    except Unavailable as error:
        text = N_("The LMS did not answer; it is tried again.")
        return _failed(try_id, score_replies.TryLater(text, error.retry_after))
    except Refused as error:
        return _refused(try_id, error)
    return _answered(try_id, request, reply)


def _failed(try_id: int, outcome: score_replies.TryLater) -> Try:
    return Try(try_id, outcome, {"outcome": _name(outcome)}, outcome.after)


def _refused(try_id: int, error: Refused) -> Try:
    """No access token: the key or the scopes are not accepted, which an admin can change."""
    said = error.explanation
    reason = format_message(reasons.TOKEN_REFUSED, said=said) if said else NO_TOKEN
    outcome = score_replies.TryLater(reason)
    values = {"outcome": _name(outcome), "status": error.status, "excerpt": said, "duration_ms": 0}
    return Try(try_id, outcome, values, None)


def _answered(try_id: int, request: ScoreRequest, reply: LmsReply) -> Try:
    answer = score_replies.Reply(reply.status, reply.excerpt, reply.retry_after)
    outcome = get_lms(request.platform.dialect).read_reply(answer)
    values = {
        "status": reply.status,
        "excerpt": reply.excerpt.replace("\0", ""),
        "duration_ms": reply.duration_ms,
        "outcome": _name(outcome),
    }
    if isinstance(outcome, score_replies.TryLater):
        return Try(try_id, outcome, values, outcome.after)
    left = reply.rate_limit_remaining
    return Try(try_id, outcome, values, 1.0 if left is not None and left < 200 else None)


def _name(outcome: score_replies.Outcome) -> str:
    return type(outcome).__name__.lower()


def _end_try_alone(services: Services, lease: GradeLease, request: ScoreRequest, made: Try) -> None:
    """Complete a try's row before something else is asked. Commits."""
    hold(services, lease)
    _end_try(made)
    db.session.commit()
    _tell_try(services, request, made)


def _end_try(made: Try | None) -> None:
    if made is not None and made.values:
        update_rows(db.session.connection(), TRY, {"id": made.id}, made.values)


def _tell_try(services: Services, request: ScoreRequest, made: Try) -> None:
    if made.values:
        dialect, outcome = request.platform.dialect, made.values["outcome"]
        services.events.publish("score_try", outcome=outcome, dialect=dialect)


def _compare(services: Services, lease: GradeLease, request: ScoreRequest) -> score_replies.Outcome:
    """A newer or equal time is stored: usually it is our own repeat. Read, never re-post."""
    deadline = services.settings.passback.lms_deadline_seconds
    hold(services, lease, deadline)
    db.session.commit()
    try:
        result: LmsResult | None = services.gradebook.read_result(
            request.platform,
            request.line_item_url,
            request.sub,
            deadline,
            granted=request.granted,
        )
    except Unavailable as error:
        return score_replies.TryLater(
            N_("The LMS's results cannot be read yet."), error.retry_after
        )
    except NotFound:
        return score_replies.GONE
    except Refused:
        return score_replies.ScoreRejected(
            N_(
                "The LMS holds a newer grade, and does not let the tool read which: look in the "
                "gradebook, then resend."
            )
        )
    return score_replies.decide_repeat(
        request.score.score_given,
        result.score if result is not None else None,
        result.maximum if result is not None else None,
    )


def _settle(
    services: Services, lease: GradeLease, snapshot: GradeSnapshot, request: ScoreRequest, made: Try
) -> None:
    """Record the outcome and give the grade back, in one transaction."""
    outcome, score = made.outcome, request.score
    if isinstance(outcome, score_replies.Accepted):
        text = f"The gradebook has {score.score_given:g} of 100."
        _end_score(services, lease, snapshot, score, made, ACCEPTED, text)
    elif isinstance(outcome, score_replies.Superseded):
        _end_score(services, lease, snapshot, score, made, SUPERSEDED, outcome.reason)
    elif isinstance(outcome, score_replies.ScoreRejected):
        gone = request.line_item_url if outcome.line_item_gone else None
        _end_score(services, lease, snapshot, score, made, PARKED, outcome.reason, gone)
    else:
        no_access = score_replies.TryLater(NO_ACCESS, NO_ACCESS_SECONDS)
        late = outcome if isinstance(outcome, score_replies.TryLater) else no_access
        _try_later(services, lease, score, made, late)
    _tell_try(services, request, made)


def _try_later(
    services: Services,
    lease: GradeLease,
    score: ScoreRow,
    made: Try,
    outcome: score_replies.TryLater,
) -> None:
    passback = services.settings.passback
    backoff = Backoff(passback.backoff_seconds, passback.backoff_seconds_max)
    count = select(func.count(TRY.c.id)).where(TRY.c.score_id == score.id)
    tries: int = db.session.connection().execute(count).scalar_one()
    wait = wait_seconds(tries, random.random(), backoff, outcome.after)
    lease.values["decision_reason"] = outcome.reason
    lease.send_at(services.now() + timedelta(seconds=wait))
    give_back(services, lease)
    _end_try(made)
    db.session.commit()
    wake_next(services, lease)


def _end_score(
    services: Services,
    lease: GradeLease,
    snapshot: GradeSnapshot,
    score: ScoreRow,
    made: Try | None,
    state: str,
    reason: str,
    gone_line_item: str | None = None,
) -> None:
    """Write a Score's end state and its line in the story, and give the grade back. Commits."""
    now = services.now()
    lease.values["decision_reason"] = reason
    give_back(services, lease)
    _end_try(made)
    ended = {"state": state, "finished_at": now}
    if state != ACCEPTED:
        ended["reason"] = reason
    connection = db.session.connection()
    update_rows(connection, SCORE, {"id": score.id}, ended)
    if gone_line_item is not None:
        _forget_line_item(snapshot, gone_line_item)
    if score.registration_id is not None:
        registration = _registration_of(snapshot, score)
        if state == ACCEPTED and (registration is None or not registration.submission_accepted):
            accepted = {"submission_accepted": True}
            update_rows(connection, REGISTRATION, {"id": score.registration_id}, accepted)
        correlation = snapshot.session.correlation_id if snapshot.session is not None else None
        trail(score.registration_id, state, reason, now, correlation)
    db.session.commit()
    wake_next(services, lease)
    _tell_end(services, snapshot, score, state, now)


def _tell_end(
    services: Services, snapshot: GradeSnapshot, score: ScoreRow, state: str, now: datetime
) -> None:
    dialect = snapshot.platform.dialect
    services.events.publish("score", state=state, dialect=dialect)
    waited = _waited(snapshot, score.id, now) if state == ACCEPTED else None
    if waited is not None:
        services.events.publish("exit_to_gradebook", dialect=dialect, seconds=waited)


def _waited(snapshot: GradeSnapshot, score_id: int, now: datetime) -> float | None:
    """Return how long this exit's first score took; None for what is sent again, or without one."""
    exited_at = snapshot.session.exited_at if snapshot.session is not None else None
    if exited_at is None:
        return None
    arrived = (s.finished_at for s in snapshot.scores if s.state == ACCEPTED and s.id != score_id)
    if any(moment is not None and moment >= exited_at for moment in arrived):
        return None
    return (now - exited_at).total_seconds()


def _forget_line_item(snapshot: GradeSnapshot, line_item_url: str) -> None:
    """A deleted column: the next launch that brings an address, or a look-up, finds another."""
    row = link_row(snapshot)
    if row.line_item_url == line_item_url:
        row.line_item_url = None
