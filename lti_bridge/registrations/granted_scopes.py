"""What launches of a platform's activities say that its admin took away from the tool."""

from collections.abc import Sequence

from sqlalchemy import select

from ..core.db import db
from ..lti.values import SCOPE_LINE_ITEM, SCOPE_SCORE
from ..platforms.deployments import shared_names
from ..platforms.missing_grants import MissingGrant, find_missing_grants
from ..platforms.models import Deployment, Platform
from .models import ResourceLink
from .resource_links import creates_line_item

# Enough to tell what holds for an LMS as a whole from what holds for one activity.
NEWEST = 100
# What an LMS refuses to so many activities in a row it refuses to all.
TELLING = 3


def missing_grants_in(link: ResourceLink) -> list[MissingGrant]:
    """Return what is lost in one activity and how to grant it.

    Of scopes nothing is known before a launch has brought an AGS claim.
    """
    platform = link.deployment.platform
    return find_missing_grants(
        link.service_scopes,
        shared_names(platform),
        platform.privacy,
        makes_columns=_is_to_make_column(link),
    )


def missing_grants_at(platform: Platform) -> list[MissingGrant]:
    """Return what is lost in a platform's activities and how to grant it.

    Told by the newest claims of activities that have a gradebook column: one activity may lack
    scopes that the LMS grants to all others.
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
    """Return the activities whose column the tool is to make and may not."""
    return [
        link
        for link in _newest(platform)
        if link.service_scopes is not None
        and SCOPE_LINE_ITEM not in link.service_scopes
        and _is_to_make_column(link)
    ]


def find_telling_link(platform: Platform) -> ResourceLink | None:
    """Return the activity whose newest claim tells what the LMS grants; None: none has any."""
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
    """Tell whether the LMS has named a gradebook column of the activity, or a list of them."""
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
