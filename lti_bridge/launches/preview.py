"""What test users and strangers see: which course the activity opens, and a way to look at it.

They never get a registration: it would cost a place, and its result belongs to nobody.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

from ..core.db import db
from ..core.errors import BridgeError, NotFound, PageRefused, Refused
from ..lti.claims import LaunchClaims
from ..lti.roles import Visitor
from ..platforms.accounts import account_for
from ..platforms.models import Platform, ScormAccount
from ..registrations.identity import choose_course
from ..registrations.models import ResourceLink
from ..services import Services
from ..web.page_tokens import LOCALE, PageToken, read_page, sign_page

# What the token of the button "I am a learner here" holds besides: the launch that it goes on with.
KIND, LEARN, CLAIMS, RUNG = "kind", "learner", "claims", "rung"


@dataclass(frozen=True)
class Preview:
    """The page for those who may only look; without a `course_title` SCORM Cloud is silent."""

    visitor: Visitor
    activity: str | None
    context: str | None
    course_id: str | None
    course_title: str | None
    course_missing: bool
    token: str
    learner_token: str = ""  # of the button "I am a learner here"


def page_of(link: ResourceLink, claims: LaunchClaims, visitor: Visitor) -> PageToken:
    """Return what the pages of this link prove for this visitor; the link's row has its id."""
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


def show_preview(
    services: Services, link: ResourceLink, claims: LaunchClaims, visitor: Visitor, rung: str
) -> Preview:
    """Commit, then ask SCORM Cloud for the course's title and return the page's values."""
    db.session.flush()
    page = page_of(link, claims, visitor)
    course_id = page.course_id
    token = sign_page(services, page) if course_id is not None else ""
    account = account_for(link.deployment.platform) if course_id else None
    values: dict[str, Any] = {"visitor": visitor, "activity": link.title, "token": token}
    values |= {"context": link.context_title, "course_id": course_id}
    if visitor is Visitor.SWITCHED and course_id is not None:
        kept = {KIND: LEARN, CLAIMS: asdict(claims), RUNG: rung}
        values["learner_token"] = sign_page(services, replace(page, data={**page.data, **kept}))
    db.session.commit()
    title, missing = None, False
    if account is not None and course_id is not None:
        title, missing = _find_title(services, account, course_id)
    return Preview(**values, course_title=title, course_missing=missing)


def read_claims(page: PageToken) -> tuple[LaunchClaims, str]:
    """Return the claims of the launch that led to a preview, and its cookie rung.

    Raises PageRefused "page_expired" for the token of another button.
    """
    if page.data.get(KIND) != LEARN:
        raise PageRefused("page_expired")
    values = dict(page.data[CLAIMS])
    values["roles"] = tuple(values["roles"])
    values["scopes"] = tuple(values["scopes"]) if values["scopes"] is not None else None
    return LaunchClaims(**values), page.data[RUNG]


def open_preview(services: Services, token: str) -> str:
    """Return the address of the untracked player.

    Raises PageRefused "page_expired", "course_missing" or "scorm_cloud_refused", or
    Unavailable.
    """
    page = read_page(services, token)
    course_id = _course_now(page)
    if course_id is None or page.visitor is Visitor.LEARNER:
        raise PageRefused("page_expired")
    platform = db.session.get(Platform, page.platform_id)
    if platform is None or platform.disabled_at is not None:
        raise PageRefused("platform_disabled")
    account = account_for(platform)
    db.session.commit()
    done_url = f"{services.settings.public_url}/lti/preview/done?page={token}"
    try:
        return services.scorm_cloud(account).build_preview_link(course_id, done_url)
    except NotFound as error:
        raise PageRefused("course_missing") from error
    except Refused as error:
        raise PageRefused("scorm_cloud_refused", error.code) from error


def _course_now(page: PageToken) -> str | None:
    """Return the link's course of now: an instructor may have chosen another on the page."""
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
