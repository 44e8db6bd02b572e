"""Decide under the claim what a grade should be, and keep the decision as a Score."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import insert, select, update

from ...core.db import db
from ...registrations.grade_updates import trail
from ...services import Services
from ...web.sentences import N_
from ..models import Score
from ..rules.grading_policy import Send, Wait, decide
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

QUEUED, ACCEPTED, SUPERSEDED, PARKED = "queued", "accepted", "superseded", "parked"
ASKED, LOST = "asked", "lost"  # why a grade is sent again
_INSERT = insert(SCORE).returning(SCORE.c.id)


def decide_grade(services: Services, claim: GradeLease) -> GradeSnapshot:
    """Apply the policy to what is known now; a Send becomes a queued Score. Returns the case then.

    A new decision supersedes every older one that has not arrived. When the grade is to be sent
    again, the policy decides as if nothing had been decided before. The caller has the grade's
    lock in this transaction, and commits.
    """
    now = services.now()
    case = load_snapshot(claim.grade_id, now)
    before = newest_decision(case) if case.resend is None else None
    decision = decide(attempts_of(case, now), case.policy, before, found_in_lms(case))
    claim.values["decision"] = type(decision).__name__.lower()
    claim.values["decision_reason"] = decision.reason
    if case.resend is not None:
        claim.at_once["resend"] = claim.values["resend"] = None
    if isinstance(decision, Send):
        _schedule_send(claim, now)
        return _queue_score(claim, case, decision, now)
    if isinstance(decision, Wait) and decision.until is not None:
        if claim.next_read_at is None or claim.next_read_at > decision.until:
            claim.next_read_at = max(decision.until, now)
    return case


def _queue_score(
    claim: GradeLease, case: GradeSnapshot, decision: Send, now: datetime
) -> GradeSnapshot:
    scores = case.scores
    if case.last_sequence:
        supersede_waiting(claim.grade_id, now, N_("A newer decision took its place."))
    seat = next(seat for seat in case.seats if seat.attempt == decision.attempt)
    score = ScoreRow(
        id=0,
        registration_id=seat.row_id,
        attempt=decision.attempt,
        inferred=decision.inferred,
        score_given=round(decision.score_given, 4),
        state=QUEUED,
        decided_at=now,
        finished_at=None,
        is_new=True,
    )
    values = {
        "grade_id": claim.grade_id,
        "sequence": case.last_sequence + 1,
        "registration_id": score.registration_id,
        "attempt": score.attempt,
        "course_id": case.course_id,
        "inferred": score.inferred,
        "score_given": score.score_given,
        "state": QUEUED,
        "reason": decision.reason,
        "decided_at": now,
        "after_loss": case.resend == LOST,
    }
    score_id = db.session.connection().execute(_INSERT, values).scalar_one()
    correlation = case.session.correlation_id if case.session is not None else None
    text = f"Decided to send {decision.score_given:g} of 100. {decision.reason}"
    trail(seat.row_id, "decision", text, now, correlation)
    waiting = [replace(s, state=SUPERSEDED) if s.state in (QUEUED, PARKED) else s for s in scores]
    return replace(
        case,
        scores=(*waiting, replace(score, id=score_id)),
        last_sequence=case.last_sequence + 1,
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


def _schedule_send(claim: GradeLease, now: datetime) -> None:
    """Write with the Score when it is to be sent: whoever takes over from us finds it due.

    A time that lies ahead is one that the LMS asked for, and stands.
    """
    if claim.next_send_at is None or claim.next_send_at < now:
        claim.next_send_at = now
    claim.at_once["next_send_at"] = claim.next_send_at


def next_sequence(grade_id: int) -> int:
    """Return the number of a grade's next Score; the claim makes it unique."""
    newest = select(Score.sequence).where(Score.grade_id == grade_id)
    return (db.session.scalar(newest.order_by(Score.sequence.desc()).limit(1)) or 0) + 1
