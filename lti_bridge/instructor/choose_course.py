"""The course of a resource link, chosen by an instructor and stored as an override."""

from dataclasses import dataclass

from ..core.db import db, reading
from ..core.errors import NotFound, PageRefused, Reason, Refused
from ..courses.search import CourseList, find_courses, read_trail
from ..registrations.models import ResourceLink
from ..services import Services
from ..web.page_tokens import PageToken
from .actions import record_change
from .activity import LinkFacts, load_facts, require_manager


@dataclass(frozen=True)
class Choice:
    """One page of the courses to choose from."""

    facts: LinkFacts
    found: CourseList


def list_choices(services: Services, page: PageToken, search: str, trail: str) -> Choice:
    """Return courses of the link's account; `trail` says which page of the list.

    Raises PageRefused or Unavailable.
    """
    require_manager(page)
    with reading():
        facts = load_facts(page)
    client = services.scorm_cloud(facts.account)
    deadline = services.settings.scorm_cloud.deadline_seconds
    try:
        found = find_courses(client, search, read_trail(trail), deadline_seconds=deadline)
    except Refused as error:
        raise PageRefused(Reason.SCORM_CLOUD_REFUSED, error.code) from error
    return Choice(facts, found)


def choose_course_of(services: Services, page: PageToken, course_id: str) -> None:
    """Let the link open `course_id`; "" removes the override. Commits.

    Only a course that its account has can be chosen. Raises PageRefused or Unavailable.
    """
    require_manager(page)
    with reading():
        facts = load_facts(page)
    if course_id:
        try:
            services.scorm_cloud(facts.account).get_course(course_id)
        except NotFound as error:
            raise PageRefused(Reason.COURSE_MISSING) from error
        except Refused as error:
            raise PageRefused(Reason.SCORM_CLOUD_REFUSED, error.code) from error
    link = db.session.get_one(ResourceLink, facts.link_id)
    link.override_course = course_id or None
    said = f"chose the course {course_id}" if course_id else "took the choice of a course back"
    record_change(services, page, "course", facts.link_id, said)
    db.session.commit()
