"""Write down what a worker is about to do with a grade, and what came of it."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from ...core.db import db, update_rows, write
from ...registrations.grade_updates import trail
from ...registrations.models import REGISTRATION, Grade, ResourceLink
from ...services import Services
from ..models import SCORE, TRY, Score
from ..rules.grade_snapshot import GradeSnapshot, ScoreRow
from ..rules.plan import RENEWED, Aim, Draft, End, copy_of, next_round
from ..rules.score_states import ScoreState, Standing
from .lease import GradeLease, Return, give_back, hold, wake_next
from .read_progress import Look

_BODY = select(SCORE.c.body).where(SCORE.c.id == bindparam("score_id"))
_INSERT_SCORE = insert(SCORE).returning(SCORE.c.id)
_INSERT_TRY = insert(TRY).returning(TRY.c.id)


@dataclass(frozen=True)
class Posting:
    """A score whose bytes are fixed: its row, the row of the try, and what is sent."""

    score_id: int
    try_id: int
    body: bytes


@dataclass(frozen=True)
class Turn:
    """One worker's turn with a grade: its lease, the case, what was read and what is wanted."""

    lease: GradeLease
    snapshot: GradeSnapshot
    look: Look | None  # None: SCORM Cloud was not asked
    aim: Aim
    held: float | None = None  # of 100, what stood before the score that is sent
    tries: tuple[dict[str, Any], ...] = field(default=())  # calls that are to be noted
    answer: tuple[Posting, dict[str, Any]] | None = None  # to a post, yet to be written down


def kept_body(score: ScoreRow) -> bytes:
    """Return the bytes of a score that was posted before."""
    text: str = db.session.connection().execute(_BODY, {"score_id": score.id}).scalar_one()
    return text.encode()


def begin_post(
    services: Services, turn: Turn, body: bytes, moment: datetime | None, submitted_at: datetime
) -> tuple[Turn, Posting]:
    """Record that a score is posted: the decision, its exact bytes and the try. Commits.

    `moment` is the new timestamp, None when the bytes are those of an earlier try. Whoever takes
    over from us finds the score queued and due.
    """
    lease, snapshot, aim, now = turn.lease, turn.snapshot, turn.aim, services.now()
    values: dict[str, Any] = {"next_send_at": now, "parked_at": None}
    if moment is not None:
        values["last_timestamp"] = moment
    seconds = services.settings.passback.lms_deadline_seconds
    lease = hold(services, lease, seconds, answered=_answered(snapshot), **values)
    written: dict[str, Any] = {"state": ScoreState.QUEUED, "line_item_url": snapshot.line_item_url}
    if moment is not None:
        written |= {"timestamp": moment, "body": body.decode()}
    if turn.held is not None:
        written["held_before"] = turn.held
    score = _write_score(services, snapshot, aim, written)
    registration = snapshot.registration_of(score.registration_id)
    if registration is not None and registration.submitted_at is None:
        first = {"id": registration.row_id, "submitted_at": None}
        update_rows(db.session.connection(), REGISTRATION, first, {"submitted_at": submitted_at})
    posting = Posting(score.id, _note_try(score.id, {"tried_at": now}), body)
    _note_tries(score.id, turn.tries)
    db.session.commit()
    aim = replace(aim, draft=None, score=score)
    snapshot = replace(snapshot, resend=None)
    return replace(turn, lease=lease, snapshot=snapshot, aim=aim, tries=()), posting


def _answered(snapshot: GradeSnapshot) -> dict[str, object]:
    """Return what answers a wish to send again; one that came meanwhile is not forgotten."""
    return {"resend": None} if snapshot.resend is not None else {}


def _write_score(
    services: Services, snapshot: GradeSnapshot, aim: Aim, written: dict[str, Any]
) -> ScoreRow:
    """Write the score of an aim, in its row or in a new one; the lease is held."""
    if aim.score is not None:
        update_rows(db.session.connection(), SCORE, {"id": aim.score.id}, written)
        kept = {name: written[name] for name in ("state", "timestamp") if name in written}
        return replace(aim.score, **kept)
    assert aim.draft is not None
    return _insert_score(services, snapshot, aim.draft, written)


def _insert_score(
    services: Services, snapshot: GradeSnapshot, draft: Draft, written: dict[str, Any]
) -> ScoreRow:
    now = services.now()
    if any(score.state in (ScoreState.QUEUED, ScoreState.PARKED) for score in snapshot.all_scores):
        supersede_waiting(snapshot.grade_id, now, RENEWED)
    values: dict[str, Any] = {
        "grade_id": snapshot.grade_id,
        "sequence": snapshot.last_sequence + 1,
        "registration_id": draft.registration_id,
        "attempt": draft.attempt,
        "course_id": draft.course_id,
        "inferred": draft.inferred,
        "score_given": draft.score_given,
        "reason": draft.reason,
        "decided_at": now,
        "after_loss": draft.after_loss,
        "asked": draft.asked,
        "stopped": False,
        "renewed": draft.renewed,
        "unclear_reads": 0,
        "held_before": None,
        "line_item_url": None,
        **written,
    }
    score_id = db.session.connection().execute(_INSERT_SCORE, values).scalar_one()
    if draft.registration_id is not None:
        text = f"Decided to send {draft.score_given:g} of 100. {draft.reason}"
        trail(draft.registration_id, "decision", text, now, _correlation(snapshot))
    return _row_of(draft, score_id, now, values)


def _row_of(draft: Draft, score_id: int, now: datetime, values: dict[str, Any]) -> ScoreRow:
    """Return the score that was just written as it is read from its row."""
    return ScoreRow(
        id=score_id,
        registration_id=draft.registration_id,
        course_id=draft.course_id,
        attempt=draft.attempt,
        inferred=draft.inferred,
        score_given=draft.score_given,
        state=values["state"],
        reason=draft.reason,
        decided_at=now,
        finished_at=None,
        timestamp=values.get("timestamp"),
        asked=draft.asked,
        renewed=draft.renewed,
        sequence=values["sequence"],
    )


def supersede_waiting(grade_id: int, now: datetime, reason: str) -> None:
    """Take every Score of the grade that has not arrived out of the way."""
    waiting = update(Score).where(
        Score.grade_id == grade_id, Score.state.in_((ScoreState.QUEUED, ScoreState.PARKED))
    )
    write(waiting.values(state=ScoreState.SUPERSEDED, finished_at=now, reason=reason))


def keep_found(services: Services, turn: Turn, held: float, reason: str) -> Turn:
    """Keep a result that the LMS held before us as a decision of its own, and decide with it.

    Commits. What was decided without knowing it is decided again.
    """
    snapshot, now = turn.snapshot, services.now()
    lease = hold(services, turn.lease, result_known=True)
    newest = snapshot.newest
    draft = Draft(
        score_given=held,
        reason=reason,
        attempt=newest.attempt if newest is not None else 1,
        course_id=snapshot.course_id,
        registration_id=None,
    )
    written = {
        "state": ScoreState.ACCEPTED,
        "finished_at": now,
        "line_item_url": snapshot.line_item_url,
    }
    row = _insert_score(services, snapshot, draft, written)
    if newest is not None:
        trail(newest.row_id, "result", reason, now)
    db.session.commit()
    rest = tuple(
        replace(one, state=ScoreState.SUPERSEDED)
        if one.state in (ScoreState.QUEUED, ScoreState.PARKED)
        else one
        for one in snapshot.all_scores
    )
    snapshot = replace(snapshot, all_scores=(*rest, replace(row, finished_at=now)))
    return replace(turn, lease=lease, snapshot=snapshot)


def _note_try(score_id: int, values: dict[str, Any]) -> int:
    try_id: int = (
        db.session.connection().execute(_INSERT_TRY, {"score_id": score_id, **values}).scalar_one()
    )
    return try_id


def _note_tries(score_id: int, tries: tuple[dict[str, Any], ...]) -> None:
    for values in tries:
        _note_try(score_id, values)


def end_try(posting: Posting, values: dict[str, Any]) -> None:
    """Complete a try's row; the lease is held."""
    update_rows(db.session.connection(), TRY, {"id": posting.try_id}, values)


def accept_before_reading(
    services: Services, turn: Turn, posting: Posting, answer: dict[str, Any], end: End
) -> Turn:
    """Record that the LMS accepted a score, before it is asked what stands. Commits."""
    seconds = services.settings.passback.lms_deadline_seconds
    lease = hold(services, turn.lease, seconds, decision_reason=end.reason)
    end_try(posting, answer)
    score = turn.aim.score
    assert score is not None
    _end_score(services, turn.snapshot, score, replace(end, standing=Standing.UNCHECKED))
    db.session.commit()
    return replace(turn, lease=lease)


def finish(
    services: Services,
    turn: Turn,
    end: End | None = None,
    *,
    is_called: bool = False,
    again_at: datetime | None = None,
) -> None:
    """Write how the turn ended and give the grade back, in one transaction. Commits.

    `is_called`: somebody else wakes the grade when its time has come; `again_at`: it is looked at
    again though nothing is to be sent. Raises LeaseLost (after a
    rollback) when the lease is no longer ours: nothing is written then.
    """
    back = _plan_return(services, turn, end, again_at)
    moved = give_back(services, turn.lease, back)
    if turn.answer is not None:
        end_try(*turn.answer)
    if end is not None and turn.aim.sends:
        _record_end(services, turn, end)
    db.session.commit()
    if moved or not is_called:
        wake_next(services, turn.lease, back, moved)


def _plan_return(
    services: Services, turn: Turn, end: End | None, again_at: datetime | None
) -> Return:
    """Return the grade's next times and what its row is to hold."""
    snapshot, aim, look, now = turn.snapshot, turn.aim, turn.look, services.now()
    values: dict[str, object] = {}
    if end is not None or aim.sends or snapshot.waiting is None:
        # What a score waits for stays said while nothing else is decided.
        values |= {"decision": aim.decision, "decision_reason": aim.reason}
    read_at = turn.lease.next_read_at
    if look is not None:
        read_at = look.next_read_at
        values["failures"] = look.failures
        if look.reason is not None:
            values["decision_reason"] = look.reason
    if aim.read_at is not None and (read_at is None or read_at > aim.read_at):
        read_at = max(aim.read_at, now)
    answered = _answered(snapshot)
    if end is None:
        # A send that was not due at the claim stands, though its time may have come meanwhile.
        kept = None if turn.lease.send_due else turn.lease.next_send_at
        send_at = again_at or kept
        return Return(read_at, send_at, send_at, values, {} if aim.sends else answered)
    values["decision_reason"] = end.reason
    send_at = now if end.renew else end.again_at
    waits = end.waits or end.state == ScoreState.PARKED
    if waits:
        send_at = next_round(snapshot, now)
        values["line_item_looks"] = snapshot.rounds + 1
    elif not end.unclear and end.state != ScoreState.QUEUED:
        values["line_item_looks"] = 0
    values["waits_for_line_item"] = end.waits
    values["parked_at"] = (snapshot.parked_at or now) if end.state == ScoreState.PARKED else None
    if end.state == ScoreState.PARKED and snapshot.parked_at is None:
        values["event_at"] = None
    return Return(read_at, send_at, end.again_at, values, answered)


def _record_end(services: Services, turn: Turn, end: End) -> None:
    snapshot, aim = turn.snapshot, turn.aim
    now = services.now()
    if aim.score is not None:
        score = aim.score
    else:
        written = {"state": ScoreState.QUEUED, "line_item_url": snapshot.line_item_url}
        score = _write_score(services, snapshot, aim, written)
    _note_tries(score.id, turn.tries)
    connection = db.session.connection()
    if end.column_gone and snapshot.line_item_url is not None:
        _forget_line_item(snapshot, snapshot.line_item_url)
    if end.attempt_stored and score.registration_id is not None:
        stored = {"submission_accepted": True}
        update_rows(connection, REGISTRATION, {"id": score.registration_id}, stored)
    for text in end.notes:
        if score.registration_id is not None:
            trail(score.registration_id, "result", text, now, _correlation(snapshot))
    if end.renew:
        sequence = replace(snapshot, all_scores=(*snapshot.all_scores, score))
        draft = copy_of(score, renewed=True)
        _insert_score(
            services, sequence, draft, {"state": ScoreState.QUEUED, "line_item_url": None}
        )
    elif end.state != ScoreState.QUEUED:
        _end_score(services, snapshot, score, end)
    elif end.unclear:
        unclear = {
            "unclear_reads": score.unclear_reads + 1,
            "unclear_since": score.unclear_since or now,
        }
        update_rows(connection, SCORE, {"id": score.id}, unclear)
    elif score.state == ScoreState.PARKED:  # it is tried again, and waits like any other
        update_rows(connection, SCORE, {"id": score.id}, {"state": ScoreState.QUEUED})


def _end_score(services: Services, snapshot: GradeSnapshot, score: ScoreRow, end: End) -> None:
    """Write a Score's end state and its line in the story."""
    now = services.now()
    ended: dict[str, Any] = {"state": end.state, "finished_at": now}
    if score.line_item_url is None:
        ended["line_item_url"] = snapshot.line_item_url
    if end.state == ScoreState.ACCEPTED:
        ended |= {"standing": end.standing, "held_after": end.held}
    # One that was parked before is not to show why.
    if (
        end.state != ScoreState.ACCEPTED
        or end.standing == Standing.PENDING
        or score.finished_at is not None
    ):
        ended["reason"] = end.reason
    connection = db.session.connection()
    update_rows(connection, SCORE, {"id": score.id}, ended)
    if score.registration_id is None:
        return
    registration = snapshot.registration_of(score.registration_id)
    if end.state == ScoreState.ACCEPTED and (
        registration is None or not registration.attempt_stored
    ):
        stored = {"submission_accepted": True}
        update_rows(connection, REGISTRATION, {"id": score.registration_id}, stored)
    trail(score.registration_id, end.state, end.reason, now, _correlation(snapshot))


def note_standing(services: Services, snapshot: GradeSnapshot, score: ScoreRow, end: End) -> None:
    """Write how an accepted score stands; the lease is held."""
    values: dict[str, Any] = {"standing": end.standing, "held_after": end.held}
    told = end.standing in (Standing.KEPT, Standing.NO_FINAL)
    if told:
        values["reason"] = end.reason
    update_rows(db.session.connection(), SCORE, {"id": score.id}, values)
    if told and score.registration_id is not None:
        now = services.now()
        trail(score.registration_id, "result", end.reason, now, _correlation(snapshot))


def note_checked(score: ScoreRow, now: datetime) -> None:
    """Write that the LMS was asked whether an accepted score still stands; the lease is held."""
    update_rows(db.session.connection(), SCORE, {"id": score.id}, {"checked_at": now})


def _forget_line_item(snapshot: GradeSnapshot, line_item_url: str) -> None:
    """A deleted column: the next launch that brings an address, or a look-up, finds another.

    Scores of a release that did not keep where they went are told from those of the next column.
    """
    grades = select(Grade.id).where(Grade.resource_link_id == snapshot.link_row_id)
    older = update(Score).where(
        Score.grade_id.in_(grades), Score.line_item_url.is_(None), Score.timestamp.is_not(None)
    )
    write(older.values(line_item_url=line_item_url))
    statement = update(ResourceLink).where(
        ResourceLink.id == snapshot.link_row_id, ResourceLink.line_item_url == line_item_url
    )
    write(statement.values(line_item_url=None))


def _correlation(snapshot: GradeSnapshot) -> str | None:
    return snapshot.session.correlation_id if snapshot.session is not None else None
