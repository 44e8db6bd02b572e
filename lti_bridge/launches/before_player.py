"""The page before the player: a choice of attempts, or a button that opens a window.

A launch ends in its address, so that going back, a reload and a restored tab show it again.
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

# Keys of the page's data.
LAUNCH, WINDOW = "launch", "window"
# What the page in the LMS asks with while the course is open in another window.
WATCH, WATCH_FOR = "watch a launch", timedelta(days=1)


@dataclass(frozen=True)
class BeforePlayer:
    """What the page shows; without an offer it is the button alone.

    `left_url` is where the learner's result is shown, once they have left the course that they
    opened from here.
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
    """Return the token of the page, None where nothing comes before the player. Reads only."""
    if not new_window and find_offer(launch_id) is None:
        return None
    data = {**page.data, LAUNCH: launch_id, WINDOW: new_window}
    return sign_page(services, replace(page, data=data))


def load_before_player(services: Services, token: str) -> BeforePlayer:
    """Return the page of a launch as things stand now. Raises LaunchRejected."""
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
    """Return a page's token and the id of its launch; raises PageRefused "page_expired"."""
    page = read_page(services, token)
    launch_id = page.data.get(LAUNCH)
    if page.visitor is not Visitor.LEARNER or not isinstance(launch_id, int):
        raise PageRefused(Reason.PAGE_EXPIRED)
    return page, launch_id


def find_left_url(services: Services, watch_token: str) -> str:
    """Return where the result of a course left is shown, empty while it is open.

    Raises PageRefused "page_expired".
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
    """Look at the newest launch of this learner from here on: another attempt is one of its own."""
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
