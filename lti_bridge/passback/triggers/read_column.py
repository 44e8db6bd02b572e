"""Read a link's gradebook column, and the learners enrolled in its course."""

from dataclasses import dataclass, replace
from datetime import datetime

from ...core.db import db
from ...core.errors import Refused, Unavailable
from ...lms.registry import get_lms
from ...lti.values import Granted, LmsResult, PlatformValues
from ...platforms.registry import platform_values
from ...registrations.models import ResourceLink
from ...services import Services
from ..pipeline.find_line_item import TOO_MANY, keep_line_item


@dataclass(frozen=True)
class GradebookColumn:
    """A gradebook column's URLs, the roster's URL, and the granted scopes."""

    link_id: int
    resource_link_id: str
    platform: PlatformValues
    line_item_url: str | None
    line_items_url: str | None
    memberships_url: str | None
    granted: Granted
    compared_at: datetime | None


def load_column(link_id: int) -> GradebookColumn:
    """Return a link's column from its row. Reads in the caller's transaction."""
    link = db.session.get_one(ResourceLink, link_id, populate_existing=True)
    return GradebookColumn(
        link_id=link.id,
        resource_link_id=link.resource_link_id,
        platform=platform_values(link.deployment.platform),
        line_item_url=link.line_item_url,
        line_items_url=link.line_items_url,
        memberships_url=link.memberships_url,
        granted=link.service_scopes,
        compared_at=link.compared_at,
    )


def read_column(
    services: Services, column: GradebookColumn, seconds: float
) -> dict[str, LmsResult]:
    """Return the column's results by user id, rescaled to its current maximum.

    `seconds` is the deadline for each list. Raises Refused, NotFound or Unavailable.
    """
    lms, url = get_lms(column.platform.dialect), column.line_item_url or ""
    results = services.gradebook.read_results(
        column.platform,
        url,
        seconds,
        granted=column.granted,
        page_size=lms.results_per_page,
    )
    maximum = _read_maximum(services, column, url) if lms.rescales and results else None
    if maximum is None:
        return results
    return {sub: result.on_scale_of(maximum) for sub, result in results.items()}


def _read_maximum(services: Services, column: GradebookColumn, url: str) -> float | None:
    """Return the column's current maximum, None when the LMS does not say."""
    seconds = services.settings.passback.lms_deadline_seconds
    try:
        return services.gradebook.read_maximum(
            column.platform, url, seconds, granted=column.granted
        )
    except (Refused, Unavailable):
        return None


def find_column(services: Services, column: GradebookColumn) -> GradebookColumn:
    """Look up and store a column that no launch has named, and make waiting grades due.

    Commits. Raises Refused when there is none or more than one, or Unavailable.
    """
    db.session.commit()
    missing = "the LMS has not named a gradebook column for this activity"
    if column.line_items_url is None:
        raise Refused(missing)
    found = services.gradebook.find_line_items(
        column.platform,
        column.line_items_url,
        column.resource_link_id,
        services.settings.passback.lms_deadline_seconds,
        granted=column.granted,
    )
    if len(found) != 1:
        raise Refused(missing if not found else TOO_MANY)
    keep_line_item(services, column.link_id, found[0])
    return replace(column, line_item_url=found[0])


def read_enrolled(services: Services, column: GradebookColumn, seconds: float) -> set[str] | None:
    """Return the `sub` of users enrolled now, None when the LMS does not say.

    The missing grade of a learner who left the course is not lost.
    """
    if column.memberships_url is None:
        return None
    try:
        roster = services.memberships.read_roster(
            column.platform, column.memberships_url, deadline_seconds=seconds
        )
    except (Refused, Unavailable):
        return None
    return {member.sub for member in roster if member.active}
