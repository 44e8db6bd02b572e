"""What the exit page tells a learner: where their grade is on its way home."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from ..core.db import db
from ..registrations.models import Grade, Launch
from ..services import Services
from ..web.sentences import N_
from ..web.translate import Translator
from .models import Score, ScoreTry
from .pipeline.decide_score import ACCEPTED, PARKED, QUEUED
from .rules.reasons import SAYINGS

COLLECTING, SCORED, SENT, DONE = 0, 1, 2, 3


@dataclass(frozen=True)
class ExitPage:
    """One moment of the way home. `step` counts 0 to 3; `final` says that nothing will change
    soon, so the page stops asking."""

    step: int
    title: str
    text: str
    score: float | None = None
    final: bool = False
    tone: str = "busy"  # busy | good | wait | problem
    back_url: str | None = None
    closed: bool = False
    more: str = ""  # a second sentence
    locale: str | None = None  # of the launch


def speak(home: ExitPage, speaker: Translator) -> dict[str, Any]:
    """Return what the page and its script show, in the learner's language."""
    sentences = [speaker.stored(one, SAYINGS) for one in (home.text, home.more) if one]
    return {
        "step": home.step,
        "title": speaker(home.title),
        "text": " ".join(sentences),
        "score": home.score,
        "figure": speaker.number(home.score) if home.score is not None else "",
        "final": home.final,
        "tone": home.tone,
        "back_url": home.back_url,
        "closed": home.closed,
    }


def load_exit_page(services: Services, launch_id: int) -> ExitPage | None:
    """Return where the grade of a launch stands, or None when there is no such launch."""
    launch = db.session.get(Launch, launch_id)
    if launch is None:
        return None
    back_url = launch.return_url or launch.registration.resource_link.return_url
    if _is_old(services, launch, services.now()):
        text = N_("Its details are no longer shown here. Look in the gradebook of your course.")
        title = N_("This page has closed")
        closed = ExitPage(DONE, title, text, None, True, "wait", back_url, True)
        return replace(closed, locale=launch.locale)
    grade = db.session.scalars(
        select(Grade).where(
            Grade.resource_link_id == launch.registration.resource_link_id,
            Grade.learner_id == launch.registration.learner_id,
        )
    ).one()
    score = _newest_score(grade, launch.registration.course_id)
    looking = launch.looks_from is not None and launch.settled_at is None
    looking = looking or _is_worked_on(grade, services.now())
    return replace(_tell(grade, score, launch, looking, back_url), locale=launch.locale)


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


def _tell(
    grade: Grade, score: Score | None, launch: Launch, looking: bool, back_url: str | None
) -> ExitPage:
    fresh = score is not None and (
        launch.exited_at is None or score.decided_at >= launch.launched_at
    )
    if score is not None and score.state == QUEUED:
        return _on_its_way(grade, score, back_url)
    if score is not None and score.state == PARKED:
        title = N_("Your result is safe, but the gradebook did not take it")
        parked = ExitPage(SENT, title, score.reason, score.score_given, True, "problem", back_url)
        return replace(parked, more=N_("Your instructor or LMS admin can send it again."))
    if looking and not fresh:
        text = N_("The course hands over your result. This usually takes a few seconds.")
        title = N_("Collecting your result")
        return ExitPage(COLLECTING, title, text, None, False, "busy", back_url)
    if score is not None and score.state == ACCEPTED:
        return _in_the_gradebook(score, fresh, looking, back_url)
    if score is not None and fresh:
        title = N_("A newer grade stands in the gradebook")
        return ExitPage(DONE, title, score.reason, None, not looking, "wait", back_url)
    text = grade.decision_reason or N_("The course has not reported a result yet.")
    more = N_("You can open the activity again and go on where you left.")
    title = N_("No grade yet")
    home = ExitPage(COLLECTING, title, text, None, not looking, "wait", back_url)
    return replace(home, more=more)


def _on_its_way(grade: Grade, score: Score, back_url: str | None) -> ExitPage:
    tried = db.session.scalar(select(ScoreTry.id).where(ScoreTry.score_id == score.id).limit(1))
    given, title = score.score_given, N_("Your result is on its way")
    if grade.waits_for_line_item:
        text = grade.decision_reason or N_("The activity has no gradebook column yet.")
        safe = N_("Your result is safe")
        return ExitPage(SCORED, safe, text, given, True, "wait", back_url)
    if tried is not None and grade.next_send_at is not None and grade.lease_until is None:
        later = ExitPage(SENT, title, grade.decision_reason or "", given, False, "wait", back_url)
        return replace(later, more=N_("You need not wait: it is sent by itself."))
    text = N_("It is being written to the gradebook.")
    return ExitPage(SENT, title, text, given, False, "busy", back_url)


def _in_the_gradebook(score: Score, fresh: bool, looking: bool, back_url: str | None) -> ExitPage:
    given = score.score_given
    if fresh:
        text = N_("You can close this page or go back to your course.")
        title = N_("Your grade is in the gradebook")
        return ExitPage(DONE, title, text, given, not looking, "good", back_url)
    text = N_("This visit did not change it. You can open the activity again at any time.")
    title = N_("Your grade stays as it was")
    return ExitPage(DONE, title, text, given, True, "good", back_url)
