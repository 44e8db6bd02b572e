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
from .decide_score import ACCEPTED, QUEUED, SUPERSEDED, next_sequence
from .lease import GradeLease, hold
from .snapshot import GradeSnapshot

ASK_AGAIN_SECONDS = 30.0


def learn_result(services: Services, claim: GradeLease, case: GradeSnapshot) -> bool:
    """Read the result that the LMS holds and keep it as a decision of its own.

    False when the LMS cannot say now: the claim holds when to ask again. A result that may not
    be read (scope not granted, column gone) is none. Commits before and after the call.
    """
    if case.line_item_url is None:
        _know(claim)
        db.session.commit()
        return True
    deadline = services.settings.passback.lms_deadline_seconds
    hold(services, claim, deadline)
    db.session.commit()
    try:
        result = services.gradebook.read_result(
            case.platform, case.line_item_url, case.sub, deadline, granted=case.granted
        )
    except Unavailable as error:
        wait = max(ASK_AGAIN_SECONDS, error.retry_after or 0.0)
        claim.values["decision_reason"] = N_("The LMS cannot say yet which grade it holds.")
        claim.send_at(services.now() + timedelta(seconds=wait))
        return False
    except (Refused, NotFound):
        result = None
    hold(services, claim)
    if result is not None and result.score is not None:
        found = result.score / result.maximum * 100 if result.maximum else result.score
        _keep(services, claim, case, round(min(100.0, max(0.0, found)), 4))
    _know(claim)
    db.session.commit()
    return True


def _know(claim: GradeLease) -> None:
    claim.values["result_known"] = True
    db.session.execute(
        update(Grade)
        .where(Grade.id == claim.grade_id, Grade.lease_token == claim.token)
        .values(result_known=True)
        .execution_options(synchronize_session=False)
    )


def _keep(services: Services, claim: GradeLease, case: GradeSnapshot, score_given: float) -> None:
    """What was decided without knowing it is decided again, with it."""
    now = services.now()
    waiting = update(Score).where(Score.grade_id == claim.grade_id, Score.state == QUEUED)
    text = N_("The gradebook already held a result; it is decided again.")
    db.session.execute(
        waiting.values(state=SUPERSEDED, finished_at=now, reason=text).execution_options(
            synchronize_session=False
        )
    )
    found = format_message(reasons.HELD_BEFORE, score=score_given)
    db.session.add(
        Score(
            grade_id=claim.grade_id,
            sequence=next_sequence(claim.grade_id),
            registration_id=None,
            attempt=case.newest.attempt if case.newest is not None else 1,
            course_id=case.course_id,
            inferred=False,
            score_given=score_given,
            state=ACCEPTED,
            reason=found,
            decided_at=now,
            finished_at=now,
        )
    )
    if case.newest is not None:
        trail(case.newest.row_id, "result", found, now)
