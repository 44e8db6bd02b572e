"""Courses of the SCORM Cloud accounts in the console: list, use in activities, previews."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, or_, select

from ...audit.actor import Actor, Scope
from ...core.db import db, reading
from ...core.errors import ConfigurationError, NotFound
from ...courses.import_package import interactive_seconds
from ...courses.search import CourseList, find_courses, read_trail
from ...platforms.accounts import account_for, list_accounts, may_replace_courses, uses
from ...platforms.models import Deployment, Platform, ScormAccount
from ...registrations.identity import choose_course
from ...registrations.models import ResourceLink
from ...scorm_cloud.courses import Course
from ...services import Services
from ..access import not_found
from ..overview.activities import sign_link_page

USED_AT_MOST = 50


@dataclass(frozen=True)
class CoursePageShown:
    """One page of an account's courses; `activities` is the number of activities by course id."""

    account: ScormAccount
    accounts: Sequence[ScormAccount]
    found: CourseList
    activities: Mapping[str, int]


@dataclass(frozen=True)
class Use:
    """One activity that opens the course; `token` is for its page."""

    title: str
    context: str
    platform: str
    token: str


@dataclass(frozen=True)
class CourseShown:
    """One course: SCORM Cloud's data, and its use in the bridge.

    `course` is None when SCORM Cloud has no such course; `more`: not all uses are listed.
    """

    account: ScormAccount
    course_id: str
    course: Course | None
    uses: Sequence[Use]
    more: bool


def accounts_of(actor: Actor) -> list[ScormAccount]:
    """Return the accounts that a user may see: all, or the one that their platform uses.

    Reads in the caller's transaction.
    """
    if actor.is_owner:
        return list_accounts()
    try:
        return [account_for(db.session.get_one(Platform, actor.scope.platform_id))]
    except ConfigurationError:  # there is none yet
        return []


def get_account_for(actor: Actor, account_id: int) -> ScormAccount:
    """Return an account that a user may see, and end the transaction.

    Raises ConsoleRefused.
    """
    with reading():
        for row in accounts_of(actor):
            if row.id == account_id:
                return row
    raise not_found()


def load_courses(
    services: Services, actor: Actor, account_id: int | None, search: str, trail: str
) -> CoursePageShown | None:
    """Return one page of an account's courses, of the first one unless one is named.

    None when there is no account yet. Raises ConsoleRefused, Unavailable or Refused.
    """
    with reading():
        accounts = accounts_of(actor)
    if account_id is None and not accounts:
        return None
    mine = [row for row in accounts if account_id in (None, row.id)]
    if not mine:
        raise not_found()
    account = mine[0]
    found = find_courses(
        services.scorm_cloud(account),
        search,
        read_trail(trail),
        counted=True,
        deadline_seconds=interactive_seconds(services),
    )
    with reading():
        activities = _count_activities(actor.scope, account, {one.id for one in found.courses})
    return CoursePageShown(account, accounts, found, activities)


def load_course(services: Services, actor: Actor, account_id: int, course_id: str) -> CourseShown:
    """Return one course. Raises ConsoleRefused, Unavailable or Refused."""
    account = get_account_for(actor, account_id)
    course: Course | None
    try:
        course = services.scorm_cloud(account).get_course(
            course_id, counted=True, deadline_seconds=interactive_seconds(services)
        )
    except NotFound:
        course = None
    with reading():
        links = [
            link
            for link in db.session.scalars(_select_links(actor.scope, account, {course_id}))
            if _course_of(link) == course_id
        ]
        uses_of_it = [
            Use(
                title=link.title or "SCORM activity",
                context=link.context_title or "",
                platform=link.deployment.platform.name,
                token=sign_link_page(services, actor, link),
            )
            for link in links[:USED_AT_MOST]
        ]
    if course is None and not links:
        raise not_found()
    more = len(links) > USED_AT_MOST
    return CourseShown(account, course_id, course, uses_of_it, more)


def may_replace(actor: Actor) -> bool:
    """Tell whether the actor may upload new versions of courses: owners always may."""
    if actor.scope.platform_id is None:
        return True
    with reading():
        return may_replace_courses(db.session.get_one(Platform, actor.scope.platform_id))


def _course_of(link: ResourceLink) -> str | None:
    return choose_course(link.override_course, link.custom_course, link.remembered_course)


def _select_links(scope: Scope, account: ScormAccount, ids: set[str]) -> Select[ResourceLink]:
    """Select links that mention one of the ids; the caller decides which id is in effect.

    Only those of platforms whose new registrations live in the account.
    """
    columns = (
        ResourceLink.override_course,
        ResourceLink.custom_course,
        ResourceLink.remembered_course,
    )
    query = (
        select(ResourceLink)
        .join(Deployment, Deployment.id == ResourceLink.deployment_id)
        .join(Platform, Platform.id == Deployment.platform_id)
        .where(uses(account), or_(*(column.in_(ids) for column in columns)))
        .order_by(ResourceLink.launched_at.desc(), ResourceLink.id)
    )
    if scope.deployment_id is not None:
        return query.where(Deployment.id == scope.deployment_id)
    if scope.platform_id is not None:
        return query.where(Platform.id == scope.platform_id)
    return query


def _count_activities(scope: Scope, account: ScormAccount, ids: set[str]) -> Mapping[str, int]:
    chosen = _select_links(scope, account, ids).with_only_columns(
        ResourceLink.override_course, ResourceLink.custom_course, ResourceLink.remembered_course
    )
    counted = Counter(choose_course(*row) for row in db.session.execute(chosen.order_by(None)))
    return {course_id: counted[course_id] for course_id in ids}
