"""Send a grade's queued Score under the claim: record the intent, call, record the outcome."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, insert, select

from ...core.db import db, update_rows
from ...core.errors import NotFound, Refused, Unavailable
from ...lms import score_replies
from ...lti.scores import score_body
from ...lti.values import SCOPE_SCORE, Granted, LmsReply, LmsResult, PlatformValues
from ...registrations.grade_updates import trail
from ...services import Services
from ...web.sentences import N_, format_message
from ..rules import reasons
from ..rules.retry_policy import Backoff, gives_up, wait_seconds
from .decide_score import ACCEPTED, PARKED, QUEUED, SUPERSEDED
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
    services: Services, claim: GradeLease, gate: PlatformGate, case: GradeSnapshot
) -> None:
    """Bring the grade's queued Score on its way, as far as it can go now, and give it back.

    The caller's transaction goes on: usually the decision, the intent and the bytes are one.
    Commits before and after each call.
    """
    now = services.now()
    score = next((s for s in case.scores if s.state == QUEUED), None)
    claim.next_send_at = None
    if score is None:
        finish(services, claim)
    elif gives_up(score.decided_at, now, services.settings.passback.give_up_days):
        reason = N_("Gave up: it was tried for too long.")
        _end_score(services, claim, case, score, None, PARKED, reason)
    elif wait := gate.enter(case.platform.id, case.platform.dialect):
        claim.send_at(now + timedelta(seconds=wait))
        finish(services, claim)
    else:
        _send(services, claim, gate, case, score)


def _send(
    services: Services, claim: GradeLease, gate: PlatformGate, case: GradeSnapshot, score: ScoreRow
) -> None:
    """Make one delivery in the place that the gate gave, and give the place back."""
    answered, pause = True, None
    try:
        parcel = _make_parcel(services, claim, case, score)
        made = _deliver(services, claim, parcel) if parcel is not None else None
        if made is not None:
            answered, pause = not isinstance(made.outcome, score_replies.TryLater), made.pause
    finally:
        gate.leave(case.platform.id, answered=answered, wait_seconds=pause)
    if parcel is None or made is None:
        finish(services, claim)
    else:
        _settle(services, claim, case, parcel, made)


def _make_parcel(
    services: Services, claim: GradeLease, case: GradeSnapshot, score: ScoreRow
) -> ScoreRequest | None:
    """Return what is to be posted; None leaves in the claim when to go on.

    Usually without a call, in the transaction that came in.
    """
    if case.granted is not None and SCOPE_SCORE not in case.granted:
        wait_for_launch(services, claim, case, NOT_GRANTED)
        return None
    if not case.result_known:
        if not learn_result(services, claim, case):
            return None
        case = load_snapshot(claim.grade_id, services.now())
        if not any(s.id == score.id and s.state == QUEUED for s in case.scores):
            # What the LMS holds changed the decision: decide again at once.
            claim.send_at(services.now())
            return None
    line_item_url = find_line_item(services, claim, case, score.id)
    if line_item_url is None:
        return None
    body = _fix_body(services, claim, case, score)
    if body is None:
        return None
    return ScoreRequest(score, body.encode(), line_item_url, case.platform, case.granted, case.sub)


def _fix_body(
    services: Services, claim: GradeLease, case: GradeSnapshot, score: ScoreRow
) -> str | None:
    """Fix the timestamp and the exact bytes at the first try; None when it is too early.

    Extends the lease past the call that follows.
    """
    deadline = services.settings.passback.lms_deadline_seconds
    if (body := _kept_body(score)) is not None:
        hold(services, claim, deadline)
        return body
    now = services.now()
    moment = _timestamp(case.last_timestamp, now)
    if moment > now:
        claim.send_at(moment)
        return None
    claim.at_once["last_timestamp"] = claim.values["last_timestamp"] = moment
    hold(services, claim, deadline)
    return _write_body(services, case, score, moment)


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


def _write_body(services: Services, case: GradeSnapshot, score: ScoreRow, moment: datetime) -> str:
    seat = _seat_of(case, score)
    submitted_at = (seat.submitted_at if seat is not None else None) or moment
    body = score_body(
        sub=case.sub,
        score_given=score.score_given,
        timestamp=moment,
        dialect=case.platform.dialect,
        new_submission=seat is not None and not seat.submission_accepted,
        submitted_at=submitted_at,
        prioritize_non_tool_grade=services.settings.passback.prioritize_non_tool_grade,
    ).decode()
    connection = db.session.connection()
    if seat is not None and seat.submitted_at is None:
        first = {"id": seat.row_id, "submitted_at": None}
        update_rows(connection, REGISTRATION, first, {"submitted_at": submitted_at})
    update_rows(connection, SCORE, {"id": score.id}, {"timestamp": moment, "body": body})
    return body


def _seat_of(case: GradeSnapshot, score: ScoreRow) -> RegistrationRow | None:
    return next((s for s in case.seats if s.row_id == score.registration_id), None)


def _deliver(services: Services, claim: GradeLease, parcel: ScoreRequest) -> Try:
    """Post the score; once more with a new access token when the LMS wants that."""
    made = _try(services, parcel)
    if isinstance(made.outcome, score_replies.Reauthorize):
        services.gradebook.forget_token(parcel.platform)
        _end_try_alone(services, claim, parcel, made)
        hold(services, claim, services.settings.passback.lms_deadline_seconds)
        made = _try(services, parcel)
    if isinstance(made.outcome, score_replies.CompareResult):
        _end_try_alone(services, claim, parcel, made)
        made.outcome = _compare(services, claim, parcel)
        made.values = {}
    return made


def _try(services: Services, parcel: ScoreRequest) -> Try:
    """Make one HTTP try; its row is written before the call. Commits before it."""
    begun = {"score_id": parcel.score.id, "tried_at": services.now()}
    try_id = db.session.connection().execute(_INSERT_TRY, begun).scalar_one()
    db.session.commit()
    deadline = services.settings.passback.lms_deadline_seconds
    try:
        reply = services.gradebook.send_score(
            parcel.platform,
            parcel.line_item_url,
            parcel.body,
            granted=parcel.granted,
            deadline_seconds=deadline,
        )
    except Unavailable as error:
        text = N_("The LMS did not answer; it is tried again.")
        return _failed(try_id, score_replies.TryLater(text, error.retry_after))
    except Refused as error:
        return _refused(try_id, error)
    return _answered(try_id, parcel, reply)


def _failed(try_id: int, outcome: score_replies.TryLater) -> Try:
    return Try(try_id, outcome, {"outcome": _name(outcome)}, outcome.after)


def _refused(try_id: int, error: Refused) -> Try:
    """No access token: the key or the scopes are not accepted, which an admin can change."""
    said = error.explanation
    reason = format_message(reasons.TOKEN_REFUSED, said=said) if said else NO_TOKEN
    outcome = score_replies.TryLater(reason)
    values = {"outcome": _name(outcome), "status": error.status, "excerpt": said, "duration_ms": 0}
    return Try(try_id, outcome, values, None)


def _answered(try_id: int, parcel: ScoreRequest, reply: LmsReply) -> Try:
    answer = score_replies.Reply(reply.status, reply.excerpt, reply.retry_after)
    outcome = score_replies.read_reply(parcel.platform.dialect, answer)
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


def _end_try_alone(services: Services, claim: GradeLease, parcel: ScoreRequest, made: Try) -> None:
    """Complete a try's row before something else is asked. Commits."""
    hold(services, claim)
    _end_try(made)
    db.session.commit()
    _tell_try(services, parcel, made)


def _end_try(made: Try | None) -> None:
    if made is not None and made.values:
        update_rows(db.session.connection(), TRY, {"id": made.id}, made.values)


def _tell_try(services: Services, parcel: ScoreRequest, made: Try) -> None:
    if made.values:
        dialect, outcome = parcel.platform.dialect, made.values["outcome"]
        services.events.publish("score_try", outcome=outcome, dialect=dialect)


def _compare(services: Services, claim: GradeLease, parcel: ScoreRequest) -> score_replies.Outcome:
    """A newer or equal time is stored: usually it is our own repeat. Read, never re-post."""
    deadline = services.settings.passback.lms_deadline_seconds
    hold(services, claim, deadline)
    db.session.commit()
    try:
        result: LmsResult | None = services.gradebook.read_result(
            parcel.platform,
            parcel.line_item_url,
            parcel.sub,
            deadline,
            granted=parcel.granted,
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
        parcel.score.score_given,
        result.score if result is not None else None,
        result.maximum if result is not None else None,
    )


def _settle(
    services: Services, claim: GradeLease, case: GradeSnapshot, parcel: ScoreRequest, made: Try
) -> None:
    """Record the outcome and give the grade back, in one transaction."""
    outcome, score = made.outcome, parcel.score
    if isinstance(outcome, score_replies.Accepted):
        text = f"The gradebook has {score.score_given:g} of 100."
        _end_score(services, claim, case, score, made, ACCEPTED, text)
    elif isinstance(outcome, score_replies.Superseded):
        _end_score(services, claim, case, score, made, SUPERSEDED, outcome.reason)
    elif isinstance(outcome, score_replies.ScoreRejected):
        gone = parcel.line_item_url if outcome.line_item_gone else None
        _end_score(services, claim, case, score, made, PARKED, outcome.reason, gone)
    else:
        no_access = score_replies.TryLater(NO_ACCESS, NO_ACCESS_SECONDS)
        late = outcome if isinstance(outcome, score_replies.TryLater) else no_access
        _try_later(services, claim, score, made, late)
    _tell_try(services, parcel, made)


def _try_later(
    services: Services,
    claim: GradeLease,
    score: ScoreRow,
    made: Try,
    outcome: score_replies.TryLater,
) -> None:
    passback = services.settings.passback
    backoff = Backoff(passback.backoff_seconds, passback.backoff_seconds_max)
    count = select(func.count(TRY.c.id)).where(TRY.c.score_id == score.id)
    tries: int = db.session.connection().execute(count).scalar_one()
    wait = wait_seconds(tries, random.random(), backoff, outcome.after)
    claim.values["decision_reason"] = outcome.reason
    claim.send_at(services.now() + timedelta(seconds=wait))
    give_back(services, claim)
    _end_try(made)
    db.session.commit()
    wake_next(services, claim)


def _end_score(
    services: Services,
    claim: GradeLease,
    case: GradeSnapshot,
    score: ScoreRow,
    made: Try | None,
    state: str,
    reason: str,
    gone_line_item: str | None = None,
) -> None:
    """Write a Score's end state and its line in the story, and give the grade back. Commits."""
    now = services.now()
    claim.values["decision_reason"] = reason
    give_back(services, claim)
    _end_try(made)
    ended = {"state": state, "finished_at": now}
    if state != ACCEPTED:
        ended["reason"] = reason
    connection = db.session.connection()
    update_rows(connection, SCORE, {"id": score.id}, ended)
    if gone_line_item is not None:
        _forget_line_item(case, gone_line_item)
    if score.registration_id is not None:
        seat = _seat_of(case, score)
        if state == ACCEPTED and (seat is None or not seat.submission_accepted):
            accepted = {"submission_accepted": True}
            update_rows(connection, REGISTRATION, {"id": score.registration_id}, accepted)
        correlation = case.session.correlation_id if case.session is not None else None
        trail(score.registration_id, state, reason, now, correlation)
    db.session.commit()
    wake_next(services, claim)
    _tell_end(services, case, score, state, now)


def _tell_end(
    services: Services, case: GradeSnapshot, score: ScoreRow, state: str, now: datetime
) -> None:
    dialect = case.platform.dialect
    services.events.publish("score", state=state, dialect=dialect)
    waited = _waited(case, score.id, now) if state == ACCEPTED else None
    if waited is not None:
        services.events.publish("exit_to_gradebook", dialect=dialect, seconds=waited)


def _waited(case: GradeSnapshot, score_id: int, now: datetime) -> float | None:
    """Return how long this exit's first score took; None for what is sent again, or without one."""
    exited_at = case.session.exited_at if case.session is not None else None
    if exited_at is None:
        return None
    arrived = (s.finished_at for s in case.scores if s.state == ACCEPTED and s.id != score_id)
    if any(moment is not None and moment >= exited_at for moment in arrived):
        return None
    return (now - exited_at).total_seconds()


def _forget_line_item(case: GradeSnapshot, line_item_url: str) -> None:
    """A deleted column: the next launch that brings an address, or a look-up, finds another."""
    row = link_row(case)
    if row.line_item_url == line_item_url:
        row.line_item_url = None
