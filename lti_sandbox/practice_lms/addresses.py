"""URLs of the practice LMS, which differ by dialect."""

from dataclasses import dataclass

from flask import request

from lti_sandbox.practice_lms.state import Dialect, LineItem, LmsState


@dataclass(frozen=True)
class Paths:
    """The platform's own paths in the style of one dialect."""

    authorization: str
    token: str
    jwks: str
    configuration: str
    registration: str


CANVAS = Paths(
    authorization="/api/lti/authorize_redirect",
    token="/login/oauth2/token",
    jwks="/api/lti/security/jwks",
    configuration="/api/lti/security/openid-configuration",
    registration="/api/lti/registrations",
)
MOODLE = Paths(
    authorization="/mod/lti/auth.php",
    token="/mod/lti/token.php",
    jwks="/mod/lti/certs.php",
    configuration="/mod/lti/openid-configuration.php",
    registration="/mod/lti/openid-registration.php",
)
PATHS: dict[Dialect, Paths] = {"canvas": CANVAS, "moodle": MOODLE}


def origin() -> str:
    """Return the origin of this request, which all returned URLs use."""
    return request.host_url.rstrip("/")


def line_items_url(state: LmsState) -> str:
    """Return the address of the course's line items."""
    if state.dialect == "moodle":
        return f"{origin()}/mod/lti/services.php/2/lineitems?type_id=1"
    return f"{origin()}/api/lti/courses/1/line_items"


def line_item_url(state: LmsState, item: LineItem) -> str:
    """Return a line item's address; Moodle's carries a query."""
    if state.dialect == "moodle":
        return f"{origin()}/mod/lti/services.php/2/lineitems/{item.id}/lineitem?type_id=1"
    return f"{origin()}/api/lti/courses/1/line_items/{item.id}"


def memberships_url(state: LmsState) -> str:
    """Return the memberships URL of the course."""
    if state.dialect == "moodle":
        return f"{origin()}/mod/lti/services.php/CourseSection/2/bindings/1/memberships"
    return f"{origin()}/api/lti/courses/1/names_and_roles"
