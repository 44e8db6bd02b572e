"""After a lost database: what the gradebook already holds comes before anything that we send."""

from datetime import timedelta

from sqlalchemy import update

from ...core.db import db
from ...core.errors import NotFound, Refused, Unavailable
from ...registrations.grade_updates import trail
from ...registrations.models import Grade
from ...services import Services
from ...web.sentences import N_, format_message
from ..models import Score
from ..rules import reasons
from ..rules.score_states import ACCEPTED, QUEUED, SUPERSEDED
from .decide_score import next_sequence
from .lease import GradeLease, hold
from .snapshot import GradeSnapshot

ASK_AGAIN_SECONDS = 30.0


def learn_result(services: Services, lease: GradeLease, snapshot: GradeSnapshot) -> bool:
    """Read the result that the LMS holds and keep it as a decision of its own.

    False when the LMS cannot say now: the lease holds when to ask again. A result that may not
    be read (scope not granted, column gone) is none. Commits before and after the call.
    """
    if snapshot.line_item_url is None:
        _know(lease)
        db.session.commit()
        return True
    deadline = services.settings.passback.lms_deadline_seconds
    hold(services, lease, deadline)
    db.session.commit()
    try:
        result = services.gradebook.read_result(
            snapshot.platform,
            snapshot.line_item_url,
            snapshot.sub,
            deadline,
            granted=snapshot.granted,
        )
    except Unavailable as error:
        wait = max(ASK_AGAIN_SECONDS, error.retry_after or 0.0)
        lease.values["decision_reason"] = N_("The LMS cannot say yet which grade it holds.")
        lease.send_at(services.now() + timedelta(seconds=wait))
        return False
    except (Refused, NotFound):
        result = None
    hold(services, lease)
    if result is not None and result.score is not None:
        found = result.score / result.maximum * 100 if result.maximum else result.score
        _keep(services, lease, snapshot, round(min(100.0, max(0.0, found)), 4))
    _know(lease)
    db.session.commit()
    return True


def _know(lease: GradeLease) -> None:
    lease.values["result_known"] = True
    db.session.execute(
        update(Grade)
        .where(Grade.id == lease.grade_id, Grade.lease_token == lease.token)
        .values(result_known=True)
        .execution_options(synchronize_session=False)
    )


def _keep(
    services: Services, lease: GradeLease, snapshot: GradeSnapshot, score_given: float
) -> None:
    """What was decided without knowing it is decided again, with it."""
    now = services.now()
    waiting = update(Score).where(Score.grade_id == lease.grade_id, Score.state == QUEUED)
    text = N_("The gradebook already held a result; it is decided again.")
    db.session.execute(
        waiting.values(state=SUPERSEDED, finished_at=now, reason=text).execution_options(
            synchronize_session=False
        )
    )
    found = format_message(reasons.HELD_BEFORE, score=score_given)
    db.session.add(
        Score(
            grade_id=lease.grade_id,
            sequence=next_sequence(lease.grade_id),
            registration_id=None,
            attempt=snapshot.newest.attempt if snapshot.newest is not None else 1,
            course_id=snapshot.course_id,
            inferred=False,
            score_given=score_given,
            state=ACCEPTED,
            reason=found,
            decided_at=now,
            finished_at=now,
        )
    )
    if snapshot.newest is not None:
        trail(snapshot.newest.row_id, "result", found, now)
