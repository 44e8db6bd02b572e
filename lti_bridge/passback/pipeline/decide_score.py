"""Decide under the lease what a grade should be, and keep the decision as a Score."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import insert, select, update

from ...core.db import db
from ...registrations.grade_updates import trail
from ...services import Services
from ...web.sentences import N_
from ..models import Score
from ..rules.grading_policy import Send, Wait, decide
from ..rules.score_states import PARKED, QUEUED, SUPERSEDED
from .lease import GradeLease
from .snapshot import (
    SCORE,
    GradeSnapshot,
    ScoreRow,
    attempts_of,
    found_in_lms,
    load_snapshot,
    newest_decision,
)

ASKED, LOST = "asked", "lost"  # why a grade is sent again
_INSERT = insert(SCORE).returning(SCORE.c.id)


def decide_grade(services: Services, lease: GradeLease) -> GradeSnapshot:
    """Apply the policy to what is known now; a Send becomes a queued Score. Returns the case then.

    A new decision supersedes every older one that has not arrived. When the grade is to be sent
    again, the policy decides as if nothing had been decided before. The caller has the grade's
    lock in this transaction, and commits.
    """
    now = services.now()
    snapshot = load_snapshot(lease.grade_id, now)
    before = newest_decision(snapshot) if snapshot.resend is None else None
    decision = decide(attempts_of(snapshot, now), snapshot.policy, before, found_in_lms(snapshot))
    lease.values["decision"] = type(decision).__name__.lower()
    lease.values["decision_reason"] = decision.reason
    if snapshot.resend is not None:
        lease.at_once["resend"] = lease.values["resend"] = None
    if isinstance(decision, Send):
        _schedule_send(lease, now)
        return _queue_score(lease, snapshot, decision, now)
    if isinstance(decision, Wait) and decision.until is not None:
        if lease.next_read_at is None or lease.next_read_at > decision.until:
            lease.next_read_at = max(decision.until, now)
    return snapshot


def _queue_score(
    lease: GradeLease, snapshot: GradeSnapshot, decision: Send, now: datetime
) -> GradeSnapshot:
    scores = snapshot.scores
    if snapshot.last_sequence:
        supersede_waiting(lease.grade_id, now, N_("A newer decision took its place."))
    registration = next(
        registration
        for registration in snapshot.registrations
        if registration.attempt == decision.attempt
    )
    score = ScoreRow(
        id=0,
        registration_id=registration.row_id,
        attempt=decision.attempt,
        inferred=decision.inferred,
        score_given=round(decision.score_given, 4),
        state=QUEUED,
        decided_at=now,
        finished_at=None,
        is_new=True,
    )
    values = {
        "grade_id": lease.grade_id,
        "sequence": snapshot.last_sequence + 1,
        "registration_id": score.registration_id,
        "attempt": score.attempt,
        "course_id": snapshot.course_id,
        "inferred": score.inferred,
        "score_given": score.score_given,
        "state": QUEUED,
        "reason": decision.reason,
        "decided_at": now,
        "after_loss": snapshot.resend == LOST,
    }
    score_id = db.session.connection().execute(_INSERT, values).scalar_one()
    correlation = snapshot.session.correlation_id if snapshot.session is not None else None
    text = f"Decided to send {decision.score_given:g} of 100. {decision.reason}"
    trail(registration.row_id, "decision", text, now, correlation)
    waiting = [replace(s, state=SUPERSEDED) if s.state in (QUEUED, PARKED) else s for s in scores]
    return replace(
        snapshot,
        scores=(*waiting, replace(score, id=score_id)),
        last_sequence=snapshot.last_sequence + 1,
        resend=None,
    )


def supersede_waiting(grade_id: int, now: datetime, reason: str) -> None:
    """Take every Score of the grade that has not arrived out of the way."""
    waiting = update(Score).where(Score.grade_id == grade_id, Score.state.in_((QUEUED, PARKED)))
    db.session.execute(
        waiting.values(state=SUPERSEDED, finished_at=now, reason=reason).execution_options(
            synchronize_session=False
        )
    )


def _schedule_send(lease: GradeLease, now: datetime) -> None:
    """Write with the Score when it is to be sent: whoever takes over from us finds it due.

    A time that lies ahead is one that the LMS asked for, and stands.
    """
    if lease.next_send_at is None or lease.next_send_at < now:
        lease.next_send_at = now
    lease.at_once["next_send_at"] = lease.next_send_at


def next_sequence(grade_id: int) -> int:
    """Return the number of a grade's next Score; the lease makes it unique."""
    newest = select(Score.sequence).where(Score.grade_id == grade_id)
    return (db.session.scalar(newest.order_by(Score.sequence.desc()).limit(1)) or 0) + 1
