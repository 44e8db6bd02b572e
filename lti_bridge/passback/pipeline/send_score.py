"""Send a score to the LMS: find the line item, read the cell, post, record."""

import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from ...core.db import db, reading
from ...core.errors import Refused, Unavailable
from ...core.sentences import coded
from ...lms import score_replies
from ...lms.base import Submission
from ...lms.readings import HeldGrade, Post, Unclear, is_same, judge_repeat
from ...lms.registry import get_lms
from ...lti.score_body import moment_text, score_body
from ...registrations.platform_pause import begin_pause, end_pause, end_rest, forget_probe
from ...services import Services
from ..models import TRY
from ..rules import reasons
from ..rules.grade_snapshot import GradeSnapshot, RegistrationRow
from ..rules.plan import (
    CHECKED_FOR,
    GAVE_UP,
    NOT_GRANTED,
    SENT_UNREAD,
    UNREAD,
    Aim,
    End,
    can_read,
    can_send,
    decide_aim,
    decide_standing,
    end_of,
    end_unclear,
    is_unclear_for_long,
    needs_reading,
    next_timestamp,
    outgoing_of,
)
from ..rules.retry_policy import Backoff, gives_up, wait_seconds
from ..rules.score_states import ScoreState, Standing, TryOutcome, outcome_of
from .find_line_item import find_line_item
from .lease import hold
from .read_gradebook import (
    ASK_AGAIN_SECONDS,
    Failure,
    Unreadable,
    no_access,
    read_cell,
    say_pause,
    token_refused,
    with_pause,
)
from .record import (
    Posting,
    Turn,
    accept_before_reading,
    begin_post,
    end_try,
    finish,
    keep_found,
    kept_body,
    note_checked,
    note_standing,
)
from .throttle import PlatformGate

FULL = coded("full", "Other grades are on their way to this LMS; this one is next.")
NO_ANSWER = coded("no_answer", "The LMS did not answer; it is tried again.")
UNREADABLE = coded(
    "unreadable",
    "The LMS holds a newer grade, and does not let the tool read which: look in the gradebook, "
    "then resend.",
)
RESTS = coded("rests", "The LMS did not answer several times; it is left alone for a moment.")
# A score decided within this time after its exit was settled belongs to that exit.
DECIDED_WITHIN = timedelta(minutes=1)


def send_score(services: Services, gate: PlatformGate, turn: Turn) -> None:
    """Send the turn's score as far as that is possible now, and release the grade.

    Commits before and after each call.
    """
    snapshot = turn.snapshot
    if _is_paused(services, snapshot):
        finish(services, turn, _end_paused(snapshot))
        return
    platform_id = snapshot.platform.id
    place = gate.enter(
        platform_id,
        snapshot.grade_id,
        get_lms(snapshot.platform.dialect),
        is_probe=snapshot.is_probe,
    )
    if not place.granted:
        again = place.rests_until or services.now()
        later = End(ScoreState.QUEUED, RESTS if place.rests_until else FULL, again)
        finish(services, turn, later, is_called=place.rests_until is None)
        return
    answered, pause = True, None
    try:
        turn, end, posted = _bring(services, turn)
        answered = end is None or not end.failed
        pause = posted.get("pause")
    finally:
        gate.leave(platform_id, answered=answered, wait_seconds=pause)
    finish(services, turn, end)
    _keep_pause(services, turn.snapshot, end)
    _tell(services, turn, end)


def _is_paused(services: Services, snapshot: GradeSnapshot) -> bool:
    until = snapshot.paused_until
    return until is not None and until > services.now() and not snapshot.is_probe


def _end_paused(snapshot: GradeSnapshot) -> End:
    assert snapshot.paused_until is not None
    text = say_pause(snapshot.paused_until, throttled=snapshot.is_throttled)
    return End(ScoreState.QUEUED, text, snapshot.paused_until)


def _keep_pause(services: Services, snapshot: GradeSnapshot, end: End | None) -> None:
    """Store a pause that the LMS asked for, or end one, since the LMS has answered."""
    until, platform_id = snapshot.paused_until, snapshot.platform.id
    if end is not None and end.pauses_until is not None:
        begin_pause(platform_id, end.pauses_until, throttled=end.throttled)
    elif until is not None and until > services.now() and end is not None and not end.failed:
        end_pause(services, platform_id, until)
    if snapshot.is_probe:
        forget_probe(platform_id, snapshot.grade_id)
        if end is None or not end.failed:
            end_rest(services, platform_id)


def _bring(services: Services, turn: Turn) -> tuple[Turn, End | None, dict[str, Any]]:
    """Take the remaining steps; each may end the turn."""
    if not can_send(turn.snapshot):
        return turn, End(ScoreState.QUEUED, NOT_GRANTED, waits=True), {}
    if turn.snapshot.line_item_url is None:
        lease, snapshot, end = find_line_item(services, turn.lease, turn.snapshot)
        turn = replace(turn, lease=lease, snapshot=snapshot)
        if end is not None:
            return turn, end, {}
        turn = _aim_again(services, turn)
        if not turn.aim.sends:
            return turn, None, {}
    now = services.now()
    fresh = turn.aim.score is None or turn.aim.score.timestamp is None
    if fresh and (moment := next_timestamp(turn.snapshot, now)) > now:
        return turn, End(ScoreState.QUEUED, turn.aim.reason, moment), {}
    lms = get_lms(turn.snapshot.platform.dialect)
    if needs_reading(turn.snapshot, turn.aim, keeps_overrides=lms.keeps_overrides):
        turn, end = _read_before(services, turn)
        if end is not None or not turn.aim.sends:
            return turn, end, {}
    return _post(services, turn)


def _aim_again(services: Services, turn: Turn) -> Turn:
    return replace(turn, aim=decide_aim(turn.snapshot, services.now(), retries=True))


def _read_before(services: Services, turn: Turn) -> tuple[Turn, End | None]:
    """Read the cell before the post; returns the turn's end, None when the score is posted."""
    asked_at = services.now()
    lease, read = read_cell(services, turn.lease, turn.snapshot, turn.aim.score_given)
    turn = replace(turn, lease=lease)
    now = services.now()
    if isinstance(read, Unreadable):
        return turn, None
    if isinstance(read, Failure):
        note = _try_values(asked_at, TryOutcome.UNREAD, read.status, read.excerpt)
        turn = replace(turn, tries=(*turn.tries, note))
        return turn, _end_of(services, turn, read.outcome)
    if isinstance(read, Unclear):
        if is_unclear_for_long(turn.aim, now):
            note = _try_values(asked_at, TryOutcome.UNCLEAR, None, SENT_UNREAD)
            return replace(turn, tries=(*turn.tries, note)), None
        again_at = now + timedelta(seconds=ASK_AGAIN_SECONDS)
        return turn, End(ScoreState.QUEUED, UNREAD, again_at, unclear=True)
    known = turn.snapshot.result_known
    outgoing = outgoing_of(turn.snapshot, turn.aim)
    if not known:
        turn = _take_over(services, turn, read, outgoing.ours)
        if not turn.aim.sends:
            return turn, None
        outgoing = replace(outgoing_of(turn.snapshot, turn.aim), found=True)
    verdict = get_lms(turn.snapshot.platform.dialect).judge_reading(read, outgoing)
    if isinstance(verdict, Post):
        return replace(turn, held=read.score), None
    return turn, end_of(verdict, turn.snapshot, turn.aim, now)


def _take_over(services: Services, turn: Turn, cell: HeldGrade, ours: tuple[float, ...]) -> Turn:
    """Store the gradebook's result as ours, after a lost database, before anything is sent."""
    held = cell.score
    if held is None or any(is_same(held, one) for one in ours):
        lease = hold(services, turn.lease, result_known=True)
        db.session.commit()
        return replace(turn, lease=lease, snapshot=replace(turn.snapshot, result_known=True))
    held = round(min(100.0, max(0.0, held)), 4)
    turn = keep_found(services, turn, held, reasons.HELD_BEFORE.fill(score=held))
    turn = replace(turn, snapshot=replace(turn.snapshot, result_known=True))
    return _aim_again(services, turn)


def _post(services: Services, turn: Turn) -> tuple[Turn, End | None, dict[str, Any]]:
    """Post the score and judge the answer; repeats it once with a new access token after a 401."""
    turn, posting = _fix(services, turn)
    outcome, answer = _try(services, turn, posting)
    if isinstance(outcome, score_replies.Reauthorize):
        url = turn.snapshot.line_item_url
        assert url is not None
        services.gradebook.forget_token(turn.snapshot.platform, url)
        turn, posting = _once_more(services, turn, posting, answer)
        outcome, answer = _try(services, turn, posting)
        if isinstance(outcome, score_replies.Reauthorize):
            outcome = no_access()
    pause = {"pause": answer.pop("pause", None)}
    if isinstance(outcome, score_replies.CompareResult):
        turn = replace(turn, lease=hold(services, turn.lease))
        end_try(posting, answer)
        turn, end = _compare(services, turn)
        return turn, end, pause
    end = _end_of(services, turn, outcome)
    lms = get_lms(turn.snapshot.platform.dialect)
    if end.state == ScoreState.ACCEPTED and lms.keeps_overrides and can_read(turn.snapshot):
        turn = accept_before_reading(services, turn, posting, answer, end)
        return *_read_after(services, turn), pause
    return replace(turn, answer=(posting, answer)), end, pause


def _fix(services: Services, turn: Turn) -> tuple[Turn, Posting]:
    """Set the timestamp and exact bytes at the first try, and record the post. Commits."""
    score = turn.aim.score
    if score is not None and score.timestamp is not None:
        return begin_post(services, turn, kept_body(score), None, score.timestamp)
    snapshot, one = turn.snapshot, turn.aim.draft or score
    assert one is not None
    moment = next_timestamp(snapshot, services.now())
    registration = snapshot.registration_of(one.registration_id)
    submitted_at = _finished_at(services, snapshot, registration, moment)
    submission = Submission(
        is_new=registration is not None and not registration.attempt_stored,
        submitted_at=moment_text(submitted_at),
    )
    body = score_body(
        sub=snapshot.sub,
        score_given=one.score_given,
        timestamp=moment,
        extension=get_lms(snapshot.platform.dialect).score_extension(submission),
    )
    return begin_post(services, turn, body, moment, submitted_at)


def _finished_at(
    services: Services,
    snapshot: GradeSnapshot,
    registration: RegistrationRow | None,
    moment: datetime,
) -> datetime:
    """Return when the attempt was first finished, the same for all its scores.

    So a late result does not make the work late. Never ahead of now or of the LMS's clock, which
    Canvas would refuse.
    """
    if registration is None:
        return moment
    if registration.submitted_at is not None:
        return registration.submitted_at
    session = snapshot.session_of(registration)
    exited_at = session.exited_at if session is not None else None
    ahead = timedelta(seconds=services.tokens.ahead_seconds(snapshot.platform))
    return min(registration.completed_at or exited_at or moment, moment - ahead)


def _once_more(
    services: Services, turn: Turn, posting: Posting, answer: dict[str, Any]
) -> tuple[Turn, Posting]:
    """Complete a try and begin another one. Commits."""
    turn = replace(turn, lease=hold(services, turn.lease))
    answer.pop("pause", None)
    end_try(posting, answer)
    assert turn.aim.score is not None
    return begin_post(services, turn, posting.body, None, services.now())


def _try(
    services: Services, turn: Turn, posting: Posting
) -> tuple[score_replies.Outcome, dict[str, Any]]:
    """Make one HTTP try; returns its outcome and the values for its row."""
    snapshot = turn.snapshot
    assert snapshot.line_item_url is not None
    outcome: score_replies.Outcome
    try:
        reply = services.gradebook.send_score(
            snapshot.platform,
            snapshot.line_item_url,
            posting.body,
            granted=snapshot.granted,
            deadline_seconds=services.settings.passback.lms_deadline_seconds,
        )
    except Unavailable as error:
        outcome = score_replies.TryLater(NO_ANSWER, error.retry_after, error.throttled)
        answer: dict[str, Any] = {}
    except Refused as error:
        outcome = token_refused(error)
        answer = {"status": error.status, "excerpt": error.explanation, "duration_ms": 0}
    else:
        seen = score_replies.Reply(reply.status, reply.excerpt, reply.retry_after)
        outcome = get_lms(snapshot.platform.dialect).read_reply(seen)
        left = reply.rate_limit_remaining
        slow = 1.0 if left is not None and left < 200 else None
        answer = {
            "status": reply.status,
            "excerpt": reply.excerpt.replace("\0", ""),
            "duration_ms": reply.duration_ms,
            "pause": slow,
        }
    answer["outcome"] = outcome_of(outcome)
    dialect = snapshot.platform.dialect
    services.events.publish("score_try", outcome=answer["outcome"], dialect=dialect)
    return outcome, answer


def _compare(services: Services, turn: Turn) -> tuple[Turn, End]:
    """Read the cell after a 409: a newer or equal timestamp is stored, mostly of our own repeat."""
    lease, read = read_cell(services, turn.lease, turn.snapshot, turn.aim.score_given)
    turn = replace(turn, lease=lease)
    if isinstance(read, Unreadable):
        rejected = score_replies.ScoreRejected(UNREADABLE)
        return turn, end_of(rejected, turn.snapshot, turn.aim, lease.until)
    if isinstance(read, Failure):
        return turn, _end_of(services, turn, read.outcome)
    now, outgoing = services.now(), outgoing_of(turn.snapshot, turn.aim)
    found = judge_repeat(read, outgoing) if isinstance(read, HeldGrade) else read
    if isinstance(found, Unclear):
        again_at = now + timedelta(seconds=ASK_AGAIN_SECONDS)
        return turn, end_unclear(turn.aim, now, again_at)
    end = end_of(found, turn.snapshot, turn.aim, now)
    score = turn.aim.score
    if end.state == ScoreState.SUPERSEDED and score is not None and not score.renewed:
        if score.asked or not outgoing.keeps:  # ours replaces it: sent with a newer timestamp
            return turn, End(ScoreState.QUEUED, end.reason, renew=True)
    return turn, end


def _read_after(services: Services, turn: Turn) -> tuple[Turn, End]:
    """Return the standing of a score after its post; it is already stored as accepted."""
    score = turn.aim.score or turn.aim.check
    assert score is not None
    lease, read = read_cell(services, turn.lease, turn.snapshot, score.score_given)
    now = services.now()
    turn = replace(turn, lease=lease, aim=replace(turn.aim, draft=None, score=None, check=score))
    end = End(ScoreState.ACCEPTED, reasons.accepted(score.score_given))
    if isinstance(read, HeldGrade):
        end = decide_standing(read, score.score_given)
    elif not isinstance(read, Unreadable):
        until = (score.finished_at or now) + CHECKED_FOR
        if now < until:
            again_at = now + timedelta(seconds=ASK_AGAIN_SECONDS)
            end = replace(end, again_at=again_at, standing=Standing.UNCHECKED)
    turn = replace(turn, lease=hold(services, turn.lease))
    note_standing(services, turn.snapshot, score, end)
    return turn, end


def check_score(services: Services, gate: PlatformGate, turn: Turn) -> None:
    """Read the cell of an accepted score, and release the grade.

    Sends `resends` if the LMS has no entry any more.
    """
    score, resends = turn.aim.check, turn.aim.resends
    assert score is not None
    if turn.snapshot.line_item_url is None:
        finish(services, turn)
        return
    if _is_paused(services, turn.snapshot):
        finish(services, turn, again_at=turn.snapshot.paused_until)
        return
    if resends is None:
        turn, end = _read_after(services, turn)
        finish(services, turn, end)
        return
    lease, read = read_cell(services, turn.lease, turn.snapshot, score.score_given)
    turn = replace(turn, lease=hold(services, lease))
    note_checked(score, services.now())
    if isinstance(read, HeldGrade) and not read.exists:
        db.session.commit()
        send_score(services, gate, replace(turn, aim=replace(turn.aim, draft=resends, check=None)))
        return
    finish(services, turn)


def _end_of(services: Services, turn: Turn, outcome: score_replies.Outcome) -> End:
    """Return the turn's end for an answer, with the time of the next try if there is one."""
    if not isinstance(outcome, score_replies.TryLater):
        return end_of(outcome, turn.snapshot, turn.aim, services.now())
    passback, now = services.settings.passback, services.now()
    backoff = Backoff(passback.backoff_seconds, passback.backoff_seconds_max)
    tries, first = _tries(turn.aim)
    days = min(passback.give_up_days, outcome.for_days or passback.give_up_days)
    if first is not None and gives_up(first, now, days):
        return end_of(score_replies.ScoreRejected(GAVE_UP), turn.snapshot, turn.aim, now)
    wait = wait_seconds(tries, random.random(), backoff, outcome.after)
    end = end_of(outcome, turn.snapshot, turn.aim, now + timedelta(seconds=wait))
    return with_pause(end, outcome, now)


def _tries(aim: Aim) -> tuple[int, datetime | None]:
    """Return the number of a score's tries, including this one, and the time of the first."""
    if aim.score is None:
        return 1, None
    with reading():
        query = select(func.count(TRY.c.id), func.min(TRY.c.tried_at)).where(
            TRY.c.score_id == aim.score.id
        )
        made, first = db.session.connection().execute(query).one()
    return max(1, made), first


def _try_values(at: datetime, outcome: str, status: int | None, excerpt: str) -> dict[str, Any]:
    return {"tried_at": at, "outcome": outcome, "status": status, "excerpt": excerpt[:500]}


def _tell(services: Services, turn: Turn, end: End | None) -> None:
    """Publish the outcome for the metrics."""
    if end is None or end.state == ScoreState.QUEUED:
        return
    snapshot, now = turn.snapshot, services.now()
    dialect = snapshot.platform.dialect
    services.events.publish("score", state=end.state, dialect=dialect)
    waited = _waited(turn, now) if end.state == ScoreState.ACCEPTED else None
    if waited is not None:
        services.events.publish("exit_to_gradebook", dialect=dialect, seconds=waited)


def _waited(turn: Turn, now: datetime) -> float | None:
    """Return the seconds from an exit to its own first score; None for other scores.

    Repeated and requested scores, and those decided long after the result was known (such as by a
    changed policy), are not counted.
    """
    session, score = turn.snapshot.session, turn.aim.score or turn.aim.check
    if session is None or session.exited_at is None or score is None or score.asked:
        return None
    exited_at, known_at = session.exited_at, session.settled_at
    if known_at is not None and score.decided_at - known_at > DECIDED_WITHIN:
        return None
    before = [one for one in turn.snapshot.scores if one.id != score.id]
    accepted = [one for one in before if one.state == ScoreState.ACCEPTED]
    if any(one.finished_at is not None and one.finished_at >= exited_at for one in accepted):
        return None
    if before and before[-1] in accepted and is_same(before[-1].score_given, score.score_given):
        return None
    return (now - exited_at).total_seconds()
