"""The instructor's page of one resource link: its course and the state of each learner."""

from dataclasses import dataclass

from ..core.db import db, reading
from ..core.errors import BridgeError, NotFound, PageRefused, Reason, Unavailable
from ..lti.memberships import Member
from ..lti.roles import Visitor, decide_visitor
from ..lti.values import PlatformValues
from ..passback.actions.comparison import Summary, summarize
from ..platforms import registry
from ..platforms.accounts import account_for
from ..platforms.missing_grants import MissingGrant
from ..platforms.models import ScormAccount
from ..registrations.grading import GradingPolicy, make_policy
from ..registrations.granted_scopes import missing_grants_in
from ..registrations.identity import choose_course
from ..registrations.models import ResourceLink
from ..registrations.staff_visits import find_staff
from ..scorm_cloud.courses import Course
from ..services import Services
from ..web.histogram import Bar, draw_bars
from ..web.page_tokens import ADMIN, PageToken
from .roster import LearnerRow, RosterPage, Wanted, load_learners, select_learners

# Deadlines of both calls: the user waits, and the page works without them.
ROSTER_SECONDS = 5.0


@dataclass(frozen=True)
class LinkFacts:
    """Values of the link that outlive its transaction."""

    link_id: int
    title: str | None
    context: str | None
    course_id: str | None
    overridden: bool
    custom_course: str | None
    memberships_url: str | None
    has_line_item: bool
    platform: PlatformValues
    platform_name: str
    account: ScormAccount
    attempts_allowed: int  # 0: no limit
    narrowed: tuple[MissingGrant, ...]  # grants missing in the LMS


@dataclass(frozen=True)
class LinkPage:
    """Everything that the page shows; `course` is None when SCORM Cloud did not answer."""

    facts: LinkFacts
    policy: GradingPolicy
    course: Course | None
    course_missing: bool
    learners: RosterPage
    bars: list[Bar]
    roster_known: bool
    roster_unread: bool
    gradebook: Summary
    may_change: bool
    may_administer: bool


def load_link_page(services: Services, page: PageToken, wanted: Wanted) -> LinkPage:
    """Return the page's values; calls SCORM Cloud for the course and the LMS for its roster.

    Raises PageRefused "not_for_you" for learners, "page_expired" when the link or platform is
    gone, "platform_disabled".
    """
    require_staff(page)
    with reading():
        facts = load_facts(page)
        policy = _policy(services, facts)
    course, missing = _find_course(services, facts)
    roster, unread = _find_roster(services, facts)
    with reading():
        staff, now = _staff(page), services.now()
        learners = load_learners(facts.link_id, facts.course_id, roster, staff, now=now)
        gradebook = summarize([facts.link_id])[facts.link_id]
    listed = select_learners(learners, wanted)
    return LinkPage(
        facts=facts,
        policy=policy,
        course=course,
        course_missing=missing,
        learners=listed,
        bars=draw_bars(listed.scores),
        roster_known=roster is not None,
        roster_unread=unread,
        gradebook=gradebook,
        may_change=page.visitor.manages,
        may_administer=bool(page.data.get(ADMIN)),
    )


def load_everybody(services: Services, page: PageToken) -> tuple[LinkFacts, list[LearnerRow]]:
    """Return every learner of the link, for a file. Raises as `load_link_page`."""
    require_staff(page)
    with reading():
        facts = load_facts(page)
    roster, _ = _find_roster(services, facts)
    with reading():
        staff, now = _staff(page), services.now()
        return facts, load_learners(facts.link_id, facts.course_id, roster, staff, now=now)


def require_staff(page: PageToken) -> None:
    """Raise PageRefused "not_for_you" unless the page's user may see all learners."""
    if not page.visitor.is_staff:
        raise PageRefused(Reason.NOT_FOR_YOU)


def require_manager(page: PageToken) -> None:
    """Raise PageRefused "not_for_you" unless the page's user may change the activity."""
    if not page.visitor.manages:
        raise PageRefused(Reason.NOT_FOR_YOU)


def load_facts(page: PageToken) -> LinkFacts:
    """Return the facts of the token's link, in the caller's transaction. Raises PageRefused."""
    link = db.session.get(ResourceLink, page.link_id) if page.link_id is not None else None
    if link is None or link.deployment.platform_id != page.platform_id:
        raise PageRefused(Reason.PAGE_EXPIRED)
    platform = link.deployment.platform
    if platform.disabled_at is not None:
        raise PageRefused(Reason.PLATFORM_DISABLED)
    return LinkFacts(
        link_id=link.id,
        title=link.title,
        context=link.context_title,
        course_id=choose_course(link.override_course, link.custom_course, link.remembered_course),
        overridden=link.override_course is not None,
        custom_course=link.custom_course,
        memberships_url=link.memberships_url,
        has_line_item=link.line_item_url is not None,
        platform=registry.platform_values(platform),
        platform_name=platform.name,
        account=account_for(platform),
        attempts_allowed=link.attempts_allowed,
        narrowed=tuple(missing_grants_in(link)),
    )


def _policy(services: Services, facts: LinkFacts) -> GradingPolicy:
    """Return the link's grading policy, in the transaction that loaded the facts."""
    link = db.session.get_one(ResourceLink, facts.link_id)
    usual = link.deployment.platform.grading_policy
    return make_policy(services.settings.passback.policy, usual, link.grading_policy)


def _find_course(services: Services, facts: LinkFacts) -> tuple[Course | None, bool]:
    if facts.course_id is None:
        return None, False
    deadline = services.settings.scorm_cloud.launch_deadline_seconds
    client = services.scorm_cloud(facts.account)
    try:
        return client.get_course(facts.course_id, deadline_seconds=deadline), False
    except NotFound:
        return None, True
    except BridgeError:
        return None, False


def _find_roster(services: Services, facts: LinkFacts) -> tuple[list[Member] | None, bool]:
    """Return the context's learners, None when the LMS does not name them.

    Also whether a roster exists but could not be read to its end.
    """
    if facts.memberships_url is None:
        return None, False
    try:
        members = services.memberships.read_roster(
            facts.platform, facts.memberships_url, deadline_seconds=ROSTER_SECONDS
        )
    except BridgeError as error:
        return None, isinstance(error, Unavailable)
    learners = [m for m in members if m.active and decide_visitor(m.roles) is Visitor.LEARNER]
    return learners, False


def _staff(page: PageToken) -> set[str]:
    """Return the user ids that launched as staff, in the caller's transaction.

    Moodle lists non-editing teachers as learners (measured on Moodle 4.5.6).
    """
    return find_staff(db.session.get_one(ResourceLink, page.link_id)) | {page.sub}
