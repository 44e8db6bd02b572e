"""The activities in a user's scope, with links to their instructor pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, or_, select

from ...audit.actor import Actor, Scope
from ...core.db import db, reading
from ...lti.roles import Visitor
from ...passback.actions.comparison import summarize
from ...passback.models import Score
from ...passback.rules.score_states import ScoreState
from ...platforms.models import Deployment
from ...registrations.identity import choose_course
from ...registrations.models import Grade, ResourceLink
from ...services import Services
from ...web.page_tokens import PageToken, sign_page

LONGEST_SEARCH = 100
SHOWN_AT_ONCE = 50


@dataclass(frozen=True)
class LinkLine:
    """One activity: `token` is for its page, `parked` counts scores that need attention."""

    title: str | None
    context: str | None
    platform: str
    course_id: str | None
    launched_at: datetime
    learners: int
    parked: int
    compared: str  # result of the newest gradebook comparison
    token: str


@dataclass(frozen=True)
class Activities:
    """What the page shows; `more`: not all are listed."""

    links: Sequence[LinkLine]
    more: bool
    search: str


def load_activities(services: Services, actor: Actor, search: str) -> Activities:
    """Return the activities opened last; the search covers titles and course ids."""
    search = search.strip()[:LONGEST_SEARCH]
    with reading():
        found = list(db.session.scalars(_select(actor.scope, search).limit(SHOWN_AT_ONCE + 1)))
        shown = found[:SHOWN_AT_ONCE]
        compared = summarize([link.id for link in shown])
        lines = [_line(services, actor, link, compared[link.id].words) for link in shown]
    return Activities(lines, len(found) > SHOWN_AT_ONCE, search)


def _select(scope: Scope, search: str) -> Select[ResourceLink]:
    query = select(ResourceLink).order_by(ResourceLink.launched_at.desc(), ResourceLink.id)
    if scope.deployment_id is not None:
        query = query.where(ResourceLink.deployment_id == scope.deployment_id)
    elif scope.platform_id is not None:
        mine = select(Deployment.id).where(Deployment.platform_id == scope.platform_id)
        query = query.where(ResourceLink.deployment_id.in_(mine))
    if not search:
        return query
    columns = (
        ResourceLink.title,
        ResourceLink.context_title,
        ResourceLink.custom_course,
        ResourceLink.override_course,
    )
    return query.where(or_(*(column.icontains(search, autoescape=True) for column in columns)))


def _line(services: Services, actor: Actor, link: ResourceLink, compared: str) -> LinkLine:
    course_id = choose_course(link.override_course, link.custom_course, link.remembered_course)
    learners = select(func.count()).where(Grade.resource_link_id == link.id)
    parked = (
        select(func.count(Score.id))
        .join(Grade, Grade.id == Score.grade_id)
        .where(Grade.resource_link_id == link.id, Score.state == ScoreState.PARKED)
    )
    return LinkLine(
        title=link.title,
        context=link.context_title,
        platform=link.deployment.platform.name,
        course_id=course_id,
        launched_at=link.launched_at,
        learners=db.session.scalar(learners) or 0,
        parked=db.session.scalar(parked) or 0,
        compared=compared,
        token=sign_link_page(services, actor, link),
    )


def sign_link_page(services: Services, actor: Actor, link: ResourceLink) -> str:
    """Return the page token of an activity for a user of the console."""
    page = PageToken(
        platform_id=link.deployment.platform_id,
        deployment_id=link.deployment_id,
        sub=actor.sub or actor.name,
        visitor=Visitor.ADMIN,
        link_id=link.id,
        course_id=choose_course(link.override_course, link.custom_course, link.remembered_course),
    )
    return sign_page(services, page)
