"""The exit page of a launch: what is known of its grade, and the page in the learner's language."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from ..core.db import db
from ..registrations.models import Grade, Launch
from ..services import Services
from ..web.translate import Translator
from .models import Score, ScoreTry
from .rules.exit_page import ExitFacts, ExitPage, ShownScore, decide_exit_page
from .rules.reasons import SAYINGS
from .rules.score_states import QUEUED


def speak(page: ExitPage, translator: Translator) -> dict[str, Any]:
    """Return what the page and its script show, in the learner's language."""
    sentences = [translator.stored(one, SAYINGS) for one in (page.text, page.more) if one]
    return {
        "step": page.step,
        "title": translator(page.title),
        "text": " ".join(sentences),
        "score": page.score,
        "figure": translator.number(page.score) if page.score is not None else "",
        "final": page.final,
        "tone": page.tone,
        "back_url": page.back_url,
        "closed": page.closed,
    }


def load_exit_page(services: Services, launch_id: int) -> ExitPage | None:
    """Return where the grade of a launch stands, or None when there is no such launch."""
    launch = db.session.get(Launch, launch_id)
    if launch is None:
        return None
    now = services.now()
    back_url = launch.return_url or launch.registration.resource_link.return_url
    if _is_old(services, launch, now):
        return decide_exit_page(ExitFacts(expired=True, back_url=back_url, locale=launch.locale))
    grade = db.session.scalars(
        select(Grade).where(
            Grade.resource_link_id == launch.registration.resource_link_id,
            Grade.learner_id == launch.registration.learner_id,
        )
    ).one()
    looking = launch.looks_from is not None and launch.settled_at is None
    facts = ExitFacts(
        looking=looking or _is_worked_on(grade, now),
        score=_shown(_newest_score(grade, launch.registration.course_id), launch),
        waits_for_line_item=grade.waits_for_line_item,
        retry_planned=grade.next_send_at is not None and grade.lease_until is None,
        decision=grade.decision_reason or "",
        back_url=back_url,
        locale=launch.locale,
    )
    return decide_exit_page(facts)


def _is_old(services: Services, launch: Launch, now: datetime) -> bool:
    shown_for = timedelta(hours=services.settings.launch.exit_details_hours)
    return launch.exited_at is not None and now - launch.exited_at > shown_for


def _is_worked_on(grade: Grade, now: datetime) -> bool:
    """Tell whether a worker has the grade in hand, or will have at once."""
    due = [grade.next_read_at, grade.next_send_at]
    return grade.lease_token is not None or any(at is not None and at <= now for at in due)


def _newest_score(grade: Grade, course_id: str) -> Score | None:
    query = select(Score).where(Score.grade_id == grade.id, Score.course_id == course_id)
    return db.session.scalars(query.order_by(Score.sequence.desc()).limit(1)).first()


def _shown(score: Score | None, launch: Launch) -> ShownScore | None:
    if score is None:
        return None
    tried = select(ScoreTry.id).where(ScoreTry.score_id == score.id).limit(1)
    return ShownScore(
        state=score.state,
        given=score.score_given,
        reason=score.reason,
        standing=score.standing,
        fresh=launch.exited_at is None or score.decided_at >= launch.launched_at,
        tried=score.state == QUEUED and db.session.scalar(tried) is not None,
    )
