"""Actions of a person on a grade: read, resend, retry, park, or allow another attempt."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Select, func, insert, select, update

from ...core.db import affected, db, write
from ...core.errors import Refused
from ...core.leases import none_or_past
from ...registrations.grade_updates import lock_grades, mark_due, send_now, trail, wake
from ...registrations.identity import allow_one_more
from ...registrations.models import OF_SAME_GRADE, Grade, Registration, TrailEvent
from ...services import Services
from ..models import Score
from ..rules import reasons
from ..rules.drift import Drift
from ..rules.plan import ASKED
from ..rules.score_states import ScoreState
from .outlook import situation_of_grade, tell_next

BATCH = 100
# Columns set by a resend, which also ends what a comparison found.
SENT_AGAIN = {"resend": ASKED, "compared": Drift.UNDER_WAY.kept}


def read_again(services: Services, grade_id: int, who: str) -> None:
    """Make a read of the grade's progress due now. Commits, and wakes a worker."""
    mark_due(grade_id, "read", services.now())
    note(services, grade_id, "steer", f"{who} asked to read the result again.")
    db.session.commit()
    wake(services, grade_id)


def resend(services: Services, grade_id: int, who: str) -> str:
    """Decide again from progress and policy, and send that as a new Score, changed or not.

    Sent at once, whatever the LMS holds, since a person has just fixed the cause. Returns a
    sentence about what happens next. Commits, and wakes a worker.
    """
    situation = situation_of_grade(grade_id, services.now())
    send_now(Grade.id == grade_id, services.now(), **SENT_AGAIN)
    note(services, grade_id, "steer", f"{who} asked to send the grade again.")
    following = tell_next(grade_id, situation)
    db.session.commit()
    wake(services, grade_id)
    return following


def resend_all(services: Services, grade_ids: Sequence[int], who: str) -> None:
    """Like `resend` for many grades. Commits after each batch, so that others can write."""
    said = f"{who} asked to send the grades again."
    for batch in _send_batches(services, grade_ids, said, **SENT_AGAIN):
        for grade_id in batch:
            wake(services, grade_id)


def retry_all(services: Services, grade_ids: Sequence[int], who: str) -> None:
    """Retry the scores of many grades now, unchanged, because the cause has ended.

    Scores stopped by a person stay stopped. Commits after each batch; the overdue round wakes them
    at a rate that the LMSs can take.
    """
    for _ in _send_batches(services, grade_ids, f"{who} asked to try the scores again."):
        pass


def _send_batches(
    services: Services, grade_ids: Sequence[int], said: str, **values: object
) -> Iterator[Sequence[int]]:
    """Make grades due in batches, with a history entry each. Commits; yields each batch."""
    for start in range(0, len(grade_ids), BATCH):
        batch = grade_ids[start : start + BATCH]
        lock_grades(batch)
        send_now(Grade.id.in_(batch), services.now(), **values)
        _note_all(services, batch, said)
        db.session.commit()
        yield batch


def retry_now(services: Services, grade_id: int, who: str) -> str:
    """Try a queued Score now, before its back-off ends. Commits, and wakes a worker.

    Returns a sentence about what happens next. Raises Refused when nothing is queued.
    """
    if not _queued(grade_id):
        db.session.rollback()
        raise Refused("nothing is waiting to be sent: see `lti-bridge score resend`")
    situation = situation_of_grade(grade_id, services.now())
    send_now(Grade.id == grade_id, services.now())
    note(services, grade_id, "steer", f"{who} asked to try it now.")
    following = tell_next(grade_id, situation)
    db.session.commit()
    wake(services, grade_id)
    return following


def park(services: Services, grade_id: int, who: str) -> None:
    """Stop a waiting Score until a person sends it again. Commits.

    A parked one is no longer tried automatically. Raises Refused when nothing waits, or while a
    worker has the lease.
    """
    now = services.now()
    mine = update(Grade).where(Grade.id == grade_id, none_or_past(Grade.lease_until, now))
    taken = write(
        mine.values(
            next_send_at=None,
            parked_at=None,
            waits_for_line_item=False,
            lease_token=None,  # an expired lease must not be used again
            lease_until=None,
            generation=Grade.generation + 1,
        )
    )
    waiting = update(Score).where(
        Score.grade_id == grade_id,
        Score.state.in_((ScoreState.QUEUED, ScoreState.PARKED)),
        Score.stopped.is_(False),
    )
    reason = reasons.PARKED_BY.fill(who=who)
    parked = taken and affected(
        db.session.execute(
            waiting.values(state=ScoreState.PARKED, reason=reason, finished_at=now, stopped=True)
        )
    )
    if not parked:
        db.session.rollback()
        problem = "nothing is waiting to be sent" if taken else "a worker is sending it right now"
        raise Refused(problem)
    note(services, grade_id, ScoreState.PARKED, reason)
    db.session.commit()


def allow_another_attempt(services: Services, grade_id: int, who: str) -> None:
    """Grant the learner one more attempt, offered at the next launch. Commits.

    Raises Refused when the activity has no limit.
    """
    query = select(Grade).where(Grade.id == grade_id).with_for_update()
    grade = db.session.scalars(query.execution_options(populate_existing=True)).one()
    allowed = grade.resource_link.attempts_allowed
    if not allowed:
        db.session.rollback()
        raise Refused("this activity has no limit of attempts: they may begin another already")
    newest = select(func.max(Registration.attempt)).where(
        Registration.resource_link_id == grade.resource_link_id,
        Registration.learner_id == grade.learner_id,
    )
    made = db.session.scalar(newest) or 0
    grade.further_attempts = allow_one_more(made, allowed, grade.further_attempts)
    total = allowed + grade.further_attempts
    text = f"{who} allowed another attempt, {total} in all; it is offered at the next launch"
    note(services, grade_id, "steer", f"{text} after a finished attempt.")
    db.session.commit()


def _queued(grade_id: int) -> bool:
    query = select(Score.id).where(Score.grade_id == grade_id, Score.state == ScoreState.QUEUED)
    return db.session.scalar(query.limit(1)) is not None


def note(services: Services, grade_id: int, kind: str, text: str) -> None:
    """Add an entry to the history of the grade's newest attempt."""
    newest = db.session.execute(_attempts([grade_id])).first()
    if newest is not None:
        trail(newest.registration, kind, text, services.now())


def _note_all(services: Services, grade_ids: Sequence[int], text: str) -> None:
    """Add the same entry to the histories of many grades."""
    newest: dict[int, int] = {}
    for row in db.session.execute(_attempts(grade_ids)):
        newest.setdefault(row.grade, row.registration)
    now = services.now()
    rows = [
        {"registration_id": registration, "at": now, "kind": "steer", "text": text}
        for registration in newest.values()
    ]
    if rows:
        db.session.execute(insert(TrailEvent), rows)


def _attempts(grade_ids: Sequence[int]) -> Select[int, int]:
    """Return the query for the attempts of grades, each grade's newest first."""
    return (
        select(Grade.id.label("grade"), Registration.id.label("registration"))
        .join(
            Registration,
            OF_SAME_GRADE,
        )
        .where(Grade.id.in_(grade_ids))
        .order_by(Registration.launched_at.desc().nulls_last(), Registration.attempt.desc())
    )
