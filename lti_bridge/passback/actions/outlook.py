"""What currently delays or prevents sending a grade: pauses of the LMS, missing grants."""

from datetime import datetime

from sqlalchemy import ScalarSelect, func, or_, select

from ...core.clock import say_time
from ...core.db import db
from ...lti.values import SCOPE_SCORE
from ...platforms.models import Platform
from ...registrations.models import Grade, ResourceLink
from ..learner_progress import Situation, progress_of
from ..learner_state import LearnerState, decide_learner_state
from ..models import Score, ScoreTry
from ..pipeline.read_gradebook import say_pause
from ..pipeline.send_score import RESTS
from ..rules import reasons
from ..rules.score_states import ONLY_READ, ScoreState


def rests_until(platform_id: int, now: datetime) -> datetime | None:
    """Return until when workers do not call an LMS that failed to answer, or None.

    Each worker process has its own throttle; the grades that it rejected store the time.
    """
    return db.session.scalar(
        select(func.max(Grade.next_send_at)).where(
            Grade.next_send_at > now,
            Grade.platform_id == platform_id,
            Grade.decision_reason == RESTS,
        )
    )


def tell_pause(
    paused_until: datetime | None, throttled: bool, rests: datetime | None, now: datetime
) -> str:
    """Return why an LMS is not called at the moment, and until when; "" without a pause."""
    if paused_until is not None and paused_until > now:
        return say_pause(paused_until, throttled=throttled)
    if rests is not None and rests > now:
        return reasons.RESTS_UNTIL.fill(until=say_time(rests))
    return ""


def tell_pause_of(platform: Platform, now: datetime) -> str:
    """Return the same for a platform's row, in the caller's transaction."""
    rests = rests_until(platform.id, now)
    return tell_pause(platform.paused_until, platform.is_throttled, rests, now)


def situation_of(link: ResourceLink, now: datetime) -> Situation:
    """Return what currently applies to an activity's grades, in the caller's transaction."""
    scopes, platform = link.service_scopes, link.deployment.platform
    may_send = scopes is None or SCOPE_SCORE in scopes
    return Situation(now, tell_pause_of(platform, now), may_send)


def posted_at() -> ScalarSelect[datetime]:
    """Return a subquery for a query of Scores: the time of each one's newest post."""
    posts = or_(ScoreTry.outcome.is_(None), ScoreTry.outcome.not_in(ONLY_READ))
    query = select(func.max(ScoreTry.tried_at)).where(ScoreTry.score_id == Score.id, posts)
    return query.correlate(Score).scalar_subquery()


def sent_at_of(score: Score | None) -> datetime | None:
    """Return when an accepted score was posted; None for others."""
    if score is None or score.state != ScoreState.ACCEPTED:
        return None
    return db.session.scalar(select(posted_at()).where(Score.id == score.id).select_from(Score))


def situation_of_grade(grade_id: int, now: datetime) -> Situation:
    """Return what currently applies to one grade, in the caller's transaction."""
    return situation_of(db.session.get_one(Grade, grade_id).resource_link, now)


def state_of(score: Score, situation: Situation) -> LearnerState:
    """Return the state of a grade with `score` as newest decision, in the caller's transaction."""
    return decide_learner_state(progress_of(score.grade, situation, score.registration, score))


def tell_next(grade_id: int, situation: Situation) -> str:
    """Return what happens next with a grade that is to be sent, in the caller's transaction.

    `situation` must be read before the grade was made due, which changes the stored times.
    """
    grade = db.session.get_one(Grade, grade_id, populate_existing=True)
    query = select(Score).where(Score.grade_id == grade_id).order_by(Score.sequence.desc())
    score = db.session.scalars(query.limit(1)).first()
    registration = score.registration if score is not None else None
    return decide_learner_state(progress_of(grade, situation, registration, score)).detail
