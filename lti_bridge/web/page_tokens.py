"""What a button on one of our pages inside an LMS proves; such pages depend on no cookie.

A form that carries the token cannot be forged by another site: it is the guard against CSRF too.
"""

import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, replace
from datetime import datetime
from typing import Any

from ..core.errors import PageRefused, Reason
from ..core.signing import BadToken
from ..lti.roles import Visitor
from ..services import Services

PURPOSE = "page"
PAGE_SECONDS = 3600
# Key of a page's `data`: its reader is an administrator of the LMS.
ADMIN = "admin"
# Hash of the secret that the browser of such a page keeps in a cookie.
BROWSER = "browser"
# Whose result the page shows.
REVIEW = "review"
# The launch's locale, on pages for learners.
LOCALE = "locale"


@dataclass(frozen=True)
class PageToken:
    """Whose page it is, in which link, and what its kind of page needs besides (`data`).

    `deployment_id` and `link_id` are ids of our rows.
    """

    platform_id: int
    deployment_id: int
    sub: str
    visitor: Visitor
    link_id: int | None = None
    course_id: str | None = None
    back_url: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def locale(self) -> str | None:
        """The locale of the launch that led here."""
        locale = self.data.get(LOCALE)
        return locale if isinstance(locale, str) else None


def sign_page(services: Services, page: PageToken) -> str:
    """Return the token that a page's forms carry for an hour.

    Encrypted as a whole: tokens travel in URLs, and a return address can hold a session key of
    the LMS.
    """
    issued_at = round(services.now().timestamp())
    values = [PURPOSE, issued_at, *astuple(page)]
    return services.signer.encrypt(json.dumps(values, separators=(",", ":")))


def locale_of(services: Services, token: str) -> str | None:
    """Return a page's locale for the page that says what went wrong with it; None: unknown."""
    try:
        return read_page(services, token).locale
    except PageRefused:
        return None


def read_page(services: Services, token: str, at: datetime | None = None) -> PageToken:
    """Return what a page's token says; raises PageRefused "page_expired".

    Its age is judged by the clock, or at a moment `at` that work with the page began.
    """
    try:
        purpose, issued_at, *values = json.loads(services.signer.decrypt(token))
        page = PageToken(*values)
        page = replace(page, visitor=Visitor(page.visitor))
        age = (at or services.now()).timestamp() - issued_at
    except (BadToken, ValueError, TypeError) as error:
        raise PageRefused(Reason.PAGE_EXPIRED) from error
    if purpose != PURPOSE or age > PAGE_SECONDS:
        raise PageRefused(Reason.PAGE_EXPIRED)
    return page
