"""Store what a worker is about to do with a grade, and the outcome."""

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
    """A score ready to be posted: its row, its try's row, and the exact bytes."""

    score_id: int
    try_id: int
    body: bytes


@dataclass(frozen=True)
class Turn:
    """A worker's turn with a grade: its lease, the grade's values, the look and the decision."""

    lease: GradeLease
    snapshot: GradeSnapshot
    look: Look | None  # None: SCORM Cloud was not read
    aim: Aim
    held: float | None = None  # the LMS's score of 100 before ours was sent
    tries: tuple[dict[str, Any], ...] = field(default=())  # reads to be stored as tries
    answer: tuple[Posting, dict[str, Any]] | None = None  # a post's answer, to be stored


def kept_body(score: ScoreRow) -> bytes:
    """Return the bytes of a score that was posted before."""
    text: str = db.session.connection().execute(_BODY, {"score_id": score.id}).scalar_one()
    return text.encode()


def begin_post(
    services: Services, turn: Turn, body: bytes, moment: datetime | None, submitted_at: datetime
) -> tuple[Turn, Posting]:
    """Record, before a post, the decision, its exact bytes and the try. Commits.

    `moment` is the new timestamp, None when an earlier try's bytes are sent again. After a crash
    the score is queued and due, so another worker sends it.
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
    """Return the columns that clear a request to send again; a newer request is kept."""
    return {"resend": None} if snapshot.resend is not None else {}


def _write_score(
    services: Services, snapshot: GradeSnapshot, aim: Aim, written: dict[str, Any]
) -> ScoreRow:
    """Store the score to be sent, in its row or a new one; needs the lease."""
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
    """Return a newly stored score like one read from its row."""
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
    """Mark all queued and parked Scores of the grade as superseded."""
    waiting = update(Score).where(
        Score.grade_id == grade_id, Score.state.in_((ScoreState.QUEUED, ScoreState.PARKED))
    )
    write(waiting.values(state=ScoreState.SUPERSEDED, finished_at=now, reason=reason))


def keep_found(services: Services, turn: Turn, held: float, reason: str) -> Turn:
    """Store the LMS's result as a decision of its own; the turn then decides again. Commits."""
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
    """Complete a try's row; needs the lease."""
    update_rows(db.session.connection(), TRY, {"id": posting.try_id}, values)


def accept_before_reading(
    services: Services, turn: Turn, posting: Posting, answer: dict[str, Any], end: End
) -> Turn:
    """Record that the LMS accepted a score, before the gradebook is read. Commits."""
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
    """Store the turn's end and release the grade, in one transaction. Commits.

    `is_called`: the gate wakes the grade later, so it is not scheduled here; `again_at`: when to
    look again though nothing is to be sent. Raises LeaseLost, after a rollback, when the lease is
    lost.
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
    """Return the grade's next times, and the columns to store."""
    snapshot, aim, look, now = turn.snapshot, turn.aim, turn.look, services.now()
    values: dict[str, object] = {}
    if end is not None or aim.sends or snapshot.waiting is None:
        # What a score waits for stays visible until something else is decided.
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
        # A send that was not due when the lease was taken keeps its time, even if it is due by now.
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
    elif score.state == ScoreState.PARKED:  # it is tried again, like a queued score
        update_rows(connection, SCORE, {"id": score.id}, {"state": ScoreState.QUEUED})


def _end_score(services: Services, snapshot: GradeSnapshot, score: ScoreRow, end: End) -> None:
    """Store a Score's final state, and add it to the history."""
    now = services.now()
    ended: dict[str, Any] = {"state": end.state, "finished_at": now}
    if score.line_item_url is None:
        ended["line_item_url"] = snapshot.line_item_url
    if end.state == ScoreState.ACCEPTED:
        ended |= {"standing": end.standing, "held_after": end.held}
    # A score that was parked before must not keep that reason.
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
    """Store an accepted score's standing; needs the lease."""
    values: dict[str, Any] = {"standing": end.standing, "held_after": end.held}
    told = end.standing in (Standing.KEPT, Standing.NO_FINAL)
    if told:
        values["reason"] = end.reason
    update_rows(db.session.connection(), SCORE, {"id": score.id}, values)
    if told and score.registration_id is not None:
        now = services.now()
        trail(score.registration_id, "result", end.reason, now, _correlation(snapshot))


def note_checked(score: ScoreRow, now: datetime) -> None:
    """Store that the gradebook was read for an accepted score; needs the lease."""
    update_rows(db.session.connection(), SCORE, {"id": score.id}, {"checked_at": now})


def _forget_line_item(snapshot: GradeSnapshot, line_item_url: str) -> None:
    """Clear a deleted line item; a launch or a look-up brings the next one.

    Scores from a release that did not store their line item get this one, so that they are told
    from the next one's.
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
