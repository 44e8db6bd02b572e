"""Grants that a platform's LMS withholds from the tool, found from its activities' launches."""

from collections.abc import Sequence

from sqlalchemy import select

from ..core.db import db
from ..lti.values import SCOPE_LINE_ITEM, SCOPE_SCORE
from ..platforms.deployments import shared_names
from ..platforms.missing_grants import MissingGrant, find_missing_grants
from ..platforms.models import Deployment, Platform
from .models import ResourceLink
from .resource_links import creates_line_item

# Enough activities to tell a missing grant of the LMS from one of a single activity.
NEWEST = 100
# A scope missing in this many newest activities counts as missing in the LMS.
TELLING = 3


def missing_grants_in(link: ResourceLink) -> list[MissingGrant]:
    """Return the missing grants of one activity.

    Scopes are unknown before the first AGS claim.
    """
    platform = link.deployment.platform
    return find_missing_grants(
        link.service_scopes,
        shared_names(platform),
        platform.privacy,
        makes_columns=_is_to_make_column(link),
    )


def missing_grants_at(platform: Platform) -> list[MissingGrant]:
    """Return the missing grants of a platform.

    Judged by the newest claims of activities with a gradebook column: a single activity may lack
    scopes that all others have.
    """
    link = find_telling_link(platform)
    found = find_missing_grants(
        link.service_scopes if link is not None else None,
        shared_names(platform),
        platform.privacy,
        makes_columns=bool(platform.creates_line_items),
    )
    columnless = [] if platform.creates_line_items else _find_without_line_item(platform)
    if columnless:
        found.append(
            MissingGrant(
                what=f"scope lineitem in {_named(columnless)}",
                loss="the bridge is to make their gradebook columns and may not",
                how=f"Grant the tool the scope {SCOPE_LINE_ITEM}.",
            )
        )
    without = find_without_score(platform) if not any(one.serious for one in found) else []
    if without:
        found.append(
            MissingGrant(
                what=f"scope score in {_named(without)}",
                loss="no score of theirs reaches the gradebook",
                how="If they are to be graded, let the LMS grade them, then open them once.",
            )
        )
    return found


def _named(links: Sequence[ResourceLink]) -> str:
    first = links[0].title or links[0].resource_link_id
    others = len(links) - 1
    return f"the activity {first}" + (f" and {others} more" if others else "")


def _is_to_make_column(link: ResourceLink) -> bool:
    return not link.line_item_url and creates_line_item(link, link.deployment.platform)


def _find_without_line_item(platform: Platform) -> list[ResourceLink]:
    """Return activities that need a gradebook column from us and lack the scope to create it."""
    return [
        link
        for link in _newest(platform)
        if link.service_scopes is not None
        and SCOPE_LINE_ITEM not in link.service_scopes
        and _is_to_make_column(link)
    ]


def find_telling_link(platform: Platform) -> ResourceLink | None:
    """Return the activity whose newest claim shows the LMS's grants; None without a claim."""
    known = [link for link in _newest(platform) if link.service_scopes is not None]
    graded = [link for link in known if has_column(link)][:TELLING] or known[:1]
    able = [link for link in graded if SCOPE_SCORE in (link.service_scopes or ())]
    return next(iter([*able, *graded]), None)


def find_without_score(platform: Platform) -> list[ResourceLink]:
    """Return the activities with a gradebook column whose newest claim does not grant scores."""
    return [
        link
        for link in _newest(platform)
        if link.service_scopes is not None
        and SCOPE_SCORE not in link.service_scopes
        and has_column(link)
    ]


def has_column(link: ResourceLink) -> bool:
    """Tell whether the LMS has named a line item of the activity, or its line items URL."""
    return bool(link.line_item_url or link.line_items_url)


def _newest(platform: Platform) -> Sequence[ResourceLink]:
    query = (
        select(ResourceLink)
        .join(Deployment, Deployment.id == ResourceLink.deployment_id)
        .where(Deployment.platform_id == platform.id)
        .order_by(ResourceLink.launched_at.desc(), ResourceLink.id.desc())
        .limit(NEWEST)
    )
    return db.session.scalars(query).all()
