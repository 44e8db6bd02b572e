"""One learner's result in one resource link, for an LTI submission review."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from ..core.db import db, reading
from ..core.errors import PageRefused, Reason
from ..core.plain_text import full_name
from ..core.signing import BadToken
from ..lti.roles import Visitor
from ..passback.actions.history import AttemptStory, GradeStory, tell_grade
from ..passback.learner_progress import LearnerProgress
from ..passback.learner_state import LearnerState, decide_learner_state
from ..passback.load_exit_page import load_exit_page
from ..registrations.models import Grade, Launch, Learner
from ..registrations.return_urls import read_exit_token
from ..services import Services
from ..web.page_tokens import LOCALE, REVIEW, PageToken
from .activity import LinkFacts, load_facts, require_staff


@dataclass(frozen=True)
class Review:
    """The page's values; without `story` the learner has not opened the activity."""

    facts: LinkFacts
    own: bool
    name: str = ""
    story: GradeStory | None = None

    @property
    def state(self) -> LearnerState:
        """The state of the grade."""
        return self.story.state if self.story else decide_learner_state(LearnerProgress())

    @property
    def attempts(self) -> Sequence[AttemptStory]:
        """The attempts, oldest first."""
        return self.story.attempts if self.story else ()


def load_review(services: Services, page: PageToken) -> Review:
    """Return the result of the token's learner. Raises PageRefused."""
    whose = page.data.get(REVIEW)
    if not isinstance(whose, str):
        raise PageRefused(Reason.PAGE_EXPIRED)
    with reading():
        facts = load_facts(page)
        return _load(services, facts, whose, page)


def load_learner_of(services: Services, page: PageToken, learner_id: int) -> Review:
    """Return the result of a learner of the token's link, for staff. Raises PageRefused."""
    require_staff(page)
    with reading():
        facts = load_facts(page)
        query = select(Learner.sub).join(Grade, Grade.learner_id == Learner.id)
        mine = query.where(Grade.resource_link_id == facts.link_id, Learner.id == learner_id)
        whose = db.session.scalar(mine)
        if whose is None:  # of another activity, or erased
            raise PageRefused(Reason.PAGE_EXPIRED)
        return _load(services, facts, whose, page)


def page_of_exit(services: Services, token: str) -> PageToken:
    """Return the page token of an exit token: its learner may see their result for a while.

    Raises PageRefused "page_expired".
    """
    try:
        launch_id = read_exit_token(services, token)
    except BadToken as error:
        raise PageRefused(Reason.PAGE_EXPIRED) from error
    with reading():
        home = load_exit_page(services, launch_id)
        if home is None or home.closed:
            raise PageRefused(Reason.PAGE_EXPIRED)
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
    own = whose == page.sub
    query = select(Learner, Grade).join(Grade, Grade.learner_id == Learner.id)
    found = db.session.execute(
        query.where(Grade.resource_link_id == facts.link_id, Learner.sub == whose)
    ).first()
    if found is None:
        return Review(facts, own)
    learner, grade = found
    story = tell_grade(grade, services.now(), course_id=facts.course_id or "")
    name = full_name(learner.first_name, learner.last_name)
    return Review(facts, own, name, story if page.visitor.is_staff else story.for_learner())
