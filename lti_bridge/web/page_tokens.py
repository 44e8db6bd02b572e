"""Signed tokens of the pages inside an LMS, which have no session and no cookie.

Forms carry the token. Other sites cannot forge it, so it also protects against CSRF.
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
# Key of a page's `data`: its user is an administrator of the LMS.
ADMIN = "admin"
# Key: hash of the secret in that user's cookie.
BROWSER = "browser"
# Key: the `sub` of the learner on the page.
REVIEW = "review"
# Key: the launch's locale.
LOCALE = "locale"


@dataclass(frozen=True)
class PageToken:
    """The user and resource link of a page, and further values of its kind of page (`data`).

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
        """The locale of the launch, if known."""
        locale = self.data.get(LOCALE)
        return locale if isinstance(locale, str) else None


def sign_page(services: Services, page: PageToken) -> str:
    """Return a page's token, valid for an hour.

    Encrypted: tokens are parts of URLs, and a return URL may contain an LMS session key.
    """
    issued_at = round(services.now().timestamp())
    values = [PURPOSE, issued_at, *astuple(page)]
    return services.signer.encrypt(json.dumps(values, separators=(",", ":")))


def locale_of(services: Services, token: str) -> str | None:
    """Return the locale of a page token, for an error page; None when unknown."""
    try:
        return read_page(services, token).locale
    except PageRefused:
        return None


def read_page(services: Services, token: str, at: datetime | None = None) -> PageToken:
    """Decode a page token; raises PageRefused "page_expired".

    Its age is measured now, or `at` the time when a long request began.
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
