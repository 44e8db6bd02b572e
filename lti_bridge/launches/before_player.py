"""The page before the player: a choice of attempts, or a button that opens a window.

A launch redirects to it (GET), so that back, reload and restored tabs show it again.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import select

from ..core.db import db, reading
from ..core.errors import PageRefused, Reason
from ..core.signing import BadToken
from ..lti.roles import Visitor
from ..lti.values import PlatformValues
from ..platforms.registry import get_platform
from ..registrations.attempts import Offer, find_offer
from ..registrations.models import Launch, Registration
from ..registrations.return_urls import exit_url
from ..services import Services
from ..web.page_tokens import PageToken, read_page, sign_page

# Keys of the page token's data.
LAUNCH, WINDOW = "launch", "window"
# Purpose and life of the token with which the page's script polls whether the learner exited.
WATCH, WATCH_FOR = "watch a launch", timedelta(days=1)


@dataclass(frozen=True)
class BeforePlayer:
    """What the page shows; without an offer only the button.

    `left_url` is the exit page's URL once the learner has left the course, else "".
    """

    page: PageToken
    platform: PlatformValues
    title: str | None
    offer: Offer | None
    new_window: bool
    left_url: str
    watch_token: str


def sign_before_player(
    services: Services, page: PageToken, launch_id: int, *, new_window: bool
) -> str | None:
    """Return the page's token; None when the player opens directly. Reads only."""
    if not new_window and find_offer(launch_id) is None:
        return None
    data = {**page.data, LAUNCH: launch_id, WINDOW: new_window}
    return sign_page(services, replace(page, data=data))


def load_before_player(services: Services, token: str) -> BeforePlayer:
    """Return the current values of a launch's page. Raises LaunchRejected."""
    page, launch_id = read_before_player(services, token)
    platform = get_platform(page.platform_id)
    with reading():
        launch = db.session.get(Launch, launch_id)
        if launch is None:  # erased
            raise PageRefused(Reason.PAGE_EXPIRED)
        new_window = page.data.get(WINDOW) is True
        return BeforePlayer(
            page=page,
            platform=platform,
            title=launch.registration.resource_link.title,
            offer=find_offer(launch_id),
            new_window=new_window,
            left_url=_find_left(services, launch) if new_window else "",
            watch_token=services.signer.sign(WATCH, launch_id),
        )


def read_before_player(services: Services, token: str) -> tuple[PageToken, int]:
    """Return the page token and its launch id; raises PageRefused "page_expired"."""
    page = read_page(services, token)
    launch_id = page.data.get(LAUNCH)
    if page.visitor is not Visitor.LEARNER or not isinstance(launch_id, int):
        raise PageRefused(Reason.PAGE_EXPIRED)
    return page, launch_id


def find_left_url(services: Services, watch_token: str) -> str:
    """Return the exit page's URL once the learner has left the course, else "".

    `watch_token` is that of BeforePlayer. Raises PageRefused "page_expired".
    """
    seconds = round(WATCH_FOR.total_seconds())
    try:
        launch_id = services.signer.unsign(WATCH, watch_token, max_age_seconds=seconds)
    except BadToken as error:
        raise PageRefused(Reason.PAGE_EXPIRED) from error
    with reading():
        launch = db.session.get(Launch, launch_id)
        return _find_left(services, launch) if launch is not None else ""


def _find_left(services: Services, launch: Launch) -> str:
    """Look at the learner's newest launch of the link: another attempt is a launch of its own."""
    opened = launch.registration
    newest = db.session.scalars(
        select(Launch)
        .join(Registration)
        .where(
            Registration.resource_link_id == opened.resource_link_id,
            Registration.learner_id == opened.learner_id,
            Launch.id >= launch.id,
        )
        .order_by(Launch.id.desc())
        .limit(1)
    ).one()
    return exit_url(services, newest.id) if newest.exited_at is not None else ""
