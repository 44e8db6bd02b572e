"""One learner's result in one resource link, as a submission review asks for it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from ..core.db import db, reading
from ..core.errors import PageRefused
from ..core.plain_text import full_name
from ..core.signing import BadToken
from ..lti.roles import Visitor
from ..passback.actions.history import Moment, tell_moments
from ..passback.actions.outlook import sent_at_of, situation_of
from ..passback.exit_page import load_exit_page
from ..passback.learner_progress import LearnerProgress, progress_of
from ..passback.learner_state import LearnerState, decide_learner_state, for_learner
from ..passback.learner_words import attempts_words, minutes_of, result_words
from ..passback.models import Score
from ..registrations.identity import attempts_for
from ..registrations.models import Grade, Launch, Learner, Registration
from ..registrations.return_urls import read_exit_token
from ..services import Services
from ..web.page_tokens import LOCALE, REVIEW, PageToken
from .activity import LinkFacts, load_facts, require_staff


@dataclass(frozen=True)
class ReviewedAttempt:
    """One registration: what SCORM Cloud reported last, and for staff what happened."""

    number: int
    completion: str
    success: str
    score: float | None
    seconds: float
    last_seen_at: datetime | None
    moments: list[Moment]

    @property
    def minutes(self) -> int:
        """Time spent, in whole minutes."""
        return minutes_of(self.seconds)

    @property
    def result(self) -> str:
        """What the course reported beside the score, for staff."""
        return result_words(self.completion, self.success)


@dataclass(frozen=True)
class Review:
    """The whole page; without `attempts` the learner has not begun.

    Without a grade's cell (`grade_id`) there is nothing to act on. `allowed` is how many attempts
    the learner has, 0 for no limit.
    """

    facts: LinkFacts
    name: str
    own: bool
    state: LearnerState
    attempts: list[ReviewedAttempt]
    learner_id: int | None = None
    grade_id: int | None = None
    allowed: int = 0
    sent_at: datetime | None = None  # the LMS took the score then

    @property
    def used(self) -> str:
        """How many attempts the learner has used, in words."""
        return attempts_words([one.number for one in self.attempts], self.allowed)


def load_review(services: Services, page: PageToken) -> Review:
    """Return the result of the learner whom the token names. Raises PageRefused."""
    whose = page.data.get(REVIEW)
    if not isinstance(whose, str):
        raise PageRefused("page_expired")
    facts = load_facts(page)
    with reading(db.session()):
        return _load(services, facts, whose, page)


def load_learner_of(services: Services, page: PageToken, learner_id: int) -> Review:
    """Return the result of a learner of the token's link, for staff. Raises PageRefused."""
    require_staff(page)
    facts = load_facts(page)
    with reading(db.session()):
        query = select(Learner.sub).join(Grade, Grade.learner_id == Learner.id)
        mine = query.where(Grade.resource_link_id == facts.link_id, Learner.id == learner_id)
        whose = db.session.scalar(mine)
        if whose is None:  # of another activity, or erased
            raise PageRefused("page_expired")
        return _load(services, facts, whose, page)


def page_of_exit(services: Services, token: str) -> PageToken:
    """Return what an exit address proves: its learner may see their own result, for a while.

    Raises PageRefused "page_expired".
    """
    try:
        launch_id = read_exit_token(services, token)
    except BadToken as error:
        raise PageRefused("page_expired") from error
    with reading(db.session()):
        home = load_exit_page(services, launch_id)
        if home is None or home.closed:
            raise PageRefused("page_expired")
        registration = db.session.get_one(Launch, launch_id).registration
        link, sub = registration.resource_link, registration.learner.sub
        return PageToken(
            platform_id=link.deployment.platform_id,
            deployment_id=link.deployment_id,
            sub=sub,
            visitor=Visitor.LEARNER,
            link_id=link.id,
            back_url=home.back_url,
            data={REVIEW: sub, LOCALE: home.locale},
        )


def _load(services: Services, facts: LinkFacts, whose: str, page: PageToken) -> Review:
    own, staff = whose == page.sub, page.visitor.is_staff
    query = select(Learner, Grade).join(Grade, Grade.learner_id == Learner.id)
    found = db.session.execute(
        query.where(Grade.resource_link_id == facts.link_id, Learner.sub == whose)
    ).first()
    if found is None:
        return Review(facts, "", own, decide_learner_state(LearnerProgress()), [])
    learner, grade = found
    registrations = _load_registrations(facts, learner)
    name = full_name(learner.first_name, learner.last_name)
    score = _newest_score(facts, grade)
    state = _state(services, grade, registrations, score)
    return Review(
        facts=facts,
        name=name,
        own=own,
        state=state if staff else for_learner(state),
        attempts=[_attempt(registration, staff) for registration in registrations],
        learner_id=learner.id,
        grade_id=grade.id,
        allowed=attempts_for(grade.resource_link.attempts_allowed, grade.further_attempts),
        sent_at=sent_at_of(score),
    )


def _load_registrations(facts: LinkFacts, learner: Learner) -> list[Registration]:
    query = select(Registration).where(
        Registration.resource_link_id == facts.link_id,
        Registration.learner_id == learner.id,
        Registration.course_id == facts.course_id,
    )
    return list(db.session.scalars(query.order_by(Registration.attempt)))


def _attempt(registration: Registration, staff: bool) -> ReviewedAttempt:
    return ReviewedAttempt(
        number=registration.attempt,
        completion=registration.completion,
        success=registration.success,
        score=registration.score_scaled,
        seconds=registration.seconds_tracked,
        last_seen_at=registration.launched_at,
        moments=tell_moments(registration) if staff else [],
    )


def _newest_score(facts: LinkFacts, grade: Grade) -> Score | None:
    query = select(Score).where(Score.grade_id == grade.id, Score.course_id == facts.course_id)
    return db.session.scalars(query.order_by(Score.sequence.desc()).limit(1)).first()


def _state(
    services: Services, grade: Grade, registrations: list[Registration], score: Score | None
) -> LearnerState:
    newest = registrations[-1] if registrations else None
    situation = situation_of(grade.resource_link, services.now())
    return decide_learner_state(progress_of(grade, situation, newest, score))
