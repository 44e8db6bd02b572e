"""The page for users who may only preview an activity: its course, and an untracked player.

They never get a registration: it would use up the SCORM Cloud quota, and no learner owns its
result.
"""

from dataclasses import asdict, dataclass, replace

from ..core.db import db, reading
from ..core.errors import BridgeError, NotFound, PageRefused, Reason, Refused
from ..lti.claims import LaunchClaims
from ..lti.roles import Visitor
from ..lti.values import PlatformValues
from ..platforms.accounts import account_for
from ..platforms.models import Platform, ScormAccount
from ..platforms.registry import get_platform
from ..registrations.identity import choose_course
from ..registrations.models import ResourceLink
from ..services import Services
from ..web.page_tokens import LOCALE, PageToken, read_page, sign_page

LOOKING = (Visitor.TEST_USER, Visitor.SWITCHED, Visitor.MASKED)
# Keys of the token's data on a page with "I am a learner here": the launch to continue.
KIND, LEARN, CLAIMS, RUNG = "kind", "learner", "claims", "rung"


@dataclass(frozen=True)
class Preview:
    """The preview page; `course_title` is None when SCORM Cloud did not answer."""

    page: PageToken
    platform: PlatformValues
    activity: str | None
    context: str | None
    course_id: str | None
    course_title: str | None
    course_missing: bool

    @property
    def visitor(self) -> Visitor:
        """What kind of visitor sees the page."""
        return self.page.visitor

    @property
    def says_to_learn(self) -> bool:
        """Tell whether the page has the button "I am a learner here"."""
        return self.page.data.get(KIND) == LEARN


def page_of(link: ResourceLink, claims: LaunchClaims, visitor: Visitor) -> PageToken:
    """Return the page token of a link for this visitor; the link's row must have its id."""
    return PageToken(
        platform_id=link.deployment.platform_id,
        deployment_id=link.deployment_id,
        sub=claims.sub,
        visitor=visitor,
        link_id=link.id,
        course_id=choose_course(link.override_course, link.custom_course, link.remembered_course),
        back_url=claims.return_url,
        data={LOCALE: claims.locale},
    )


def keep_claims(page: PageToken, claims: LaunchClaims, rung: str) -> PageToken:
    """Return the page token with the claims that "I am a learner here" needs."""
    return replace(page, data={**page.data, KIND: LEARN, CLAIMS: asdict(claims), RUNG: rung})


def load_preview(services: Services, token: str) -> Preview:
    """Return the page's current values; asks SCORM Cloud for the course's title.

    Raises LaunchRejected, also "page_expired" for the token of another page.
    """
    page = read_page(services, token)
    platform = get_platform(page.platform_id)
    with reading():  # a call follows
        link = db.session.get(ResourceLink, page.link_id)
        if page.visitor not in LOOKING or link is None:
            raise PageRefused(Reason.PAGE_EXPIRED)
        course_id = _course_now(page)
        account = account_for(link.deployment.platform) if course_id else None
        activity, context = link.title, link.context_title
    title, missing = None, False
    if account is not None and course_id is not None:
        title, missing = _find_title(services, account, course_id)
    return Preview(page, platform, activity, context, course_id, title, missing)


def read_claims(page: PageToken) -> tuple[LaunchClaims, str]:
    """Return the claims of a preview's launch, and how its browser was proven.

    Raises PageRefused "page_expired" for the token of another page.
    """
    if page.data.get(KIND) != LEARN:
        raise PageRefused(Reason.PAGE_EXPIRED)
    values = dict(page.data[CLAIMS])
    values["roles"] = tuple(values["roles"])
    values["scopes"] = tuple(values["scopes"]) if values["scopes"] is not None else None
    return LaunchClaims(**values), page.data[RUNG]


def open_preview(services: Services, token: str) -> str:
    """Return the URL of the untracked player.

    Raises PageRefused "page_expired", "platform_disabled", "course_missing" or
    "scorm_cloud_refused", or Unavailable.
    """
    page = read_page(services, token)
    with reading():
        course_id = _course_now(page)
        if course_id is None or page.visitor is Visitor.LEARNER:
            raise PageRefused(Reason.PAGE_EXPIRED)
        platform = db.session.get(Platform, page.platform_id)
        if platform is None or platform.disabled_at is not None:
            raise PageRefused(Reason.PLATFORM_DISABLED)
        account = account_for(platform)
    done = sign_page(services, replace(page, data={LOCALE: page.locale}))
    done_url = f"{services.settings.public_url}/lti/preview/done?page={done}"
    try:
        return services.scorm_cloud(account).build_preview_link(course_id, done_url)
    except NotFound as error:
        raise PageRefused(Reason.COURSE_MISSING) from error
    except Refused as error:
        raise PageRefused(Reason.SCORM_CLOUD_REFUSED, error.code) from error


def _course_now(page: PageToken) -> str | None:
    """Return the link's current course: an instructor may have changed it since the launch."""
    link = db.session.get(ResourceLink, page.link_id) if page.link_id is not None else None
    if link is None:
        return page.course_id
    return choose_course(link.override_course, link.custom_course, link.remembered_course)


def _find_title(
    services: Services, account: ScormAccount, course_id: str
) -> tuple[str | None, bool]:
    deadline = services.settings.scorm_cloud.launch_deadline_seconds
    try:
        course = services.scorm_cloud(account).get_course(course_id, deadline_seconds=deadline)
    except NotFound:
        return None, True
    except BridgeError:
        return None, False
    return course.title, False
