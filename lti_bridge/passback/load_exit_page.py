"""Load what is known about a launch's grade, and translate the exit page for the learner."""

from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Row, Select, bindparam, func, select

from ..core.db import db
from ..platforms.models import Platform
from ..registrations.grading import make_policy
from ..registrations.identity import attempts_for, may_begin_another
from ..registrations.kept_outcomes import newest_outcome
from ..registrations.models import (
    OF_SAME_GRADE,
    REGISTRATION,
    Grade,
    Launch,
    Registration,
    ResourceLink,
)
from ..scorm_cloud.progress import CourseOutcome
from ..services import Services
from ..web.translate import Translator
from .models import Score, ScoreTry
from .pipeline.read_gradebook import say_pause
from .rules.exit_page import ExitFacts, ExitPage, ShownScore, decide_exit_page
from .rules.score_states import ScoreState

_OTHER = REGISTRATION.alias("other")
_CASE = cast(
    Select[Any],
    select(
        Launch.launched_at,
        Launch.exited_at,
        Launch.looks_from,
        Launch.settled_at,
        Launch.return_url,
        Launch.known_completion,
        Launch.known_success,
        Launch.known_score,
        Launch.locale,
        Registration.course_id,
        Registration.attempt,
        Registration.completion,
        Registration.success,
        Registration.score_scaled,
        Registration.progress_asked_at,
        Registration.kept_completion,
        Registration.kept_success,
        Registration.kept_score,
        select(func.count())
        .select_from(_OTHER)
        .where(
            _OTHER.c.resource_link_id == Registration.resource_link_id,
            _OTHER.c.learner_id == Registration.learner_id,
            _OTHER.c.course_id == Registration.course_id,
        )
        .scalar_subquery()
        .label("attempts"),
        ResourceLink.return_url.label("link_return_url"),
        ResourceLink.attempts_allowed,
        ResourceLink.grading_policy.label("link_policy"),
        Platform.grading_policy.label("platform_policy"),
        Platform.paused_until,
        Platform.is_throttled,
        Grade.id.label("grade_id"),
        Grade.next_read_at,
        Grade.next_send_at,
        Grade.lease_token,
        Grade.lease_until,
        Grade.waits_for_line_item,
        Grade.decision_reason,
        Grade.further_attempts,
    )
    .join(Registration, Registration.id == Launch.registration_id)
    .join(ResourceLink, ResourceLink.id == Registration.resource_link_id)
    .join(
        Grade,
        OF_SAME_GRADE,
    )
    .join(Platform, Platform.id == Grade.platform_id)
    .where(Launch.id == bindparam("launch_id")),
)


def speak(page: ExitPage, translator: Translator) -> dict[str, Any]:
    """Return what the page and its script show, in the translator's language."""
    said = [page.text, *page.notes]
    sentences = [translator.stored(one) for one in said if one]
    return {
        "step": page.step,
        "title": translator(page.title),
        "text": " ".join(sentences),
        "verdict": translator(page.verdict) if page.verdict else "",
        "score": page.score,
        "figure": translator.number(page.score) if page.score is not None else "",
        "final": page.final,
        "tone": page.tone,
        "attempts": page.attempts,
        "back_url": page.back_url,
        "closed": page.closed,
    }


def load_exit_page(services: Services, launch_id: int) -> ExitPage | None:
    """Return the exit page of a launch, or None when there is no such launch."""
    case = db.session.execute(_CASE, {"launch_id": launch_id}).one_or_none()
    if case is None:
        return None
    now, back_url = services.now(), case.return_url or case.link_return_url
    if _is_old(services, case, now):
        return decide_exit_page(ExitFacts(expired=True, back_url=back_url, locale=case.locale))
    report = CourseOutcome(case.completion, case.success, case.score_scaled)
    known = CourseOutcome(case.known_completion, case.known_success, case.known_score)
    usual = services.settings.passback.policy
    looking = case.looks_from is not None and case.settled_at is None
    facts = ExitFacts(
        looking=looking or _is_worked_on(case, now),
        report=report,
        changed=report != known,
        read=_is_read(case),
        score=_shown(_newest_score(case), case),
        waits_for_line_item=case.waits_for_line_item,
        retry_planned=case.next_send_at is not None and case.lease_until is None,
        resting=_resting(case, now),
        answer=make_policy(usual, case.platform_policy, case.link_policy).answer,
        attempts=case.attempts,
        attempts_left=_may_try_again(case),
        decision=case.decision_reason or "",
        back_url=back_url,
        locale=case.locale,
    )
    return decide_exit_page(facts)


def _is_read(case: Row[Any]) -> bool:
    """Tell whether progress was requested after the exit."""
    exited_at, asked_at = case.exited_at, case.progress_asked_at
    return exited_at is not None and asked_at is not None and asked_at >= exited_at


def _resting(case: Row[Any], now: datetime) -> str:
    until = case.paused_until
    return "" if until is None or until <= now else say_pause(until, throttled=case.is_throttled)


def _may_try_again(case: Row[Any]) -> bool:
    allowed = attempts_for(case.attempts_allowed, case.further_attempts)
    finished = newest_outcome(case) is not None
    return case.attempt == case.attempts and may_begin_another(case.attempt, allowed, finished)


def _is_old(services: Services, case: Row[Any], now: datetime) -> bool:
    shown_for = timedelta(hours=services.settings.launch.exit_details_hours)
    return case.exited_at is not None and now - case.exited_at > shown_for


def _is_worked_on(case: Row[Any], now: datetime) -> bool:
    """Tell whether a worker has leased the grade, or it is due."""
    due = [case.next_read_at, case.next_send_at]
    return case.lease_token is not None or any(at is not None and at <= now for at in due)


def _newest_score(case: Row[Any]) -> Score | None:
    query = select(Score).where(Score.grade_id == case.grade_id, Score.course_id == case.course_id)
    return db.session.scalars(query.order_by(Score.sequence.desc()).limit(1)).first()


def _shown(score: Score | None, launch: Row[Any]) -> ShownScore | None:
    if score is None:
        return None
    tried = select(ScoreTry.id).where(ScoreTry.score_id == score.id).limit(1)
    return ShownScore(
        state=score.state,
        given=score.score_given,
        reason=score.reason,
        standing=score.standing,
        seen=score.held_after is not None,
        fresh=launch.exited_at is None or score.decided_at >= launch.launched_at,
        tried=score.state == ScoreState.QUEUED and db.session.scalar(tried) is not None,
    )
