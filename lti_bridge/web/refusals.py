"""Error pages: what happened, who can fix it and how, and the button to continue."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import TypeGuard

from flask import Response, request
from sqlalchemy import exc
from werkzeug.exceptions import HTTPException

from ..core import correlation
from ..core.db import db, reading
from ..core.errors import (
    BridgeError,
    Busy,
    ConfigurationError,
    LaunchRejected,
    PageRefused,
    Reason,
    Unavailable,
)
from ..lti.launch_state import cookie_name, find_use
from ..services import Services, current_services
from .frames import frame_origins, home_of
from .login_cookies import forget_secret
from .pages import render_page
from .rejections import get_rejection
from .translate import page_translator
from .visit import SECRET_FIELD, Visit

logger = logging.getLogger(__name__)
REFRESH_SECONDS = 3
REFRESHING = (Reason.SEAT_BUSY, Reason.CLOUD_BUSY)
# Reasons whose page shows the error's detail, a text of ours that helps an admin.
EXPLAINED = (
    Reason.LOGIN_INCOMPLETE,
    Reason.CLAIMS_MISSING,
    Reason.BAD_CLAIMS,
    Reason.BAD_ROLES,
    Reason.UNKNOWN_PLATFORM,
)
# The database is down, starting, or has no free connection.
DATABASE_AWAY = (exc.OperationalError, exc.InterfaceError, exc.TimeoutError)
Page = Callable[[Services], Response]
HTTP_REASONS = {404: Reason.PAGE_UNKNOWN, 405: Reason.WRONG_METHOD, 413: Reason.REQUEST_TOO_LARGE}


def refuse_page(services: Services, error: BridgeError, locale: str | None = None) -> Response:
    """Return the error page for a failure on a page outside a login or launch."""
    reason = _reason(error)
    services.events.publish("page_refused", outcome=reason)
    return _show(services, _new_visit_in(locale), reason, error)


def refusing(view: Page) -> Callable[[], Response]:
    """Decorate a view: pass it the services, and turn its BridgeErrors into error pages."""

    @wraps(view)
    def guarded() -> Response:
        services = current_services()
        try:
            return view(services)
        except BridgeError as error:
            return refuse_page(services, error)

    return guarded


def answer_http_error(error: HTTPException) -> Response | HTTPException:
    """Return our error page for an HTTP error of Flask; redirects pass unchanged.

    Unhandled exceptions arrive as InternalServerError, after Flask has logged the traceback.
    """
    status = error.code or 500
    if status < 400:
        return error
    visit = new_visit()
    other = Reason.OUR_MISTAKE if status >= 500 else Reason.REQUEST_UNREADABLE
    reason = HTTP_REASONS.get(status, other)
    if isinstance(getattr(error, "original_exception", None), DATABASE_AWAY):
        reason = Reason.DATABASE_AWAY
    refused = PageRefused(reason, request.endpoint or "")
    response = _show(current_services(), visit, reason, refused)
    # Headers such as Allow.
    response.headers.extend(h for h in error.get_headers() if h[0] != "Content-Type")
    return response


def new_visit() -> Visit:
    """Return a Visit with nothing but the request's correlation id."""
    return Visit(correlation_id=correlation.current() or correlation.new_id())


def _new_visit_in(locale: str | None) -> Visit:
    visit = new_visit()
    visit.locale = locale
    return visit


def refuse(services: Services, visit: Visit, error: BridgeError) -> Response:
    """Return the error page for a failed login or launch, and publish the refusal."""
    reason = _reason(error)
    publish_launch(services, visit, reason)
    publish_refusal(services, visit, reason)
    return _show(services, visit, reason, error)


def publish_refusal(services: Services, visit: Visit, reason: Reason) -> None:
    """Publish which LMS's launch was refused, with the reference on its error page."""
    platform = visit.platform
    services.events.publish(
        "launch_refused",
        code=reason,
        issuer=platform.issuer if platform is not None else visit.issuer,
        client_id=platform.client_id if platform is not None else visit.client_id,
        deployment_id=visit.deployment_id,
        reference=reference_of(visit),
    )


def reference_of(visit: Visit) -> str:
    """Return the reference on the error page: a retried launch keeps the id of its first try."""
    return correlation.current() or visit.correlation_id


def publish_launch(services: Services, visit: Visit, outcome: str) -> None:
    """Publish how a launch ended, and how its browser was bound."""
    visitor = str(visit.visitor or "unknown")
    rung = visit.state.rung if visit.state is not None else "none"
    services.events.publish("launch", outcome=outcome, visitor=visitor, rung=rung)


def _show(services: Services, visit: Visit, reason: Reason, error: BridgeError) -> Response:
    db.session.rollback()
    rejection = get_rejection(reason)
    reference = reference_of(visit)
    logger.warning("launch refused: %s [%s]", error, reference)
    token = visit.resume_token if rejection.can_retry else ""
    if reason in REFRESHING and not token:
        rejection = rejection.by_hand()
    response = render_page(
        "web/rejected.html",
        status=rejection.status,
        frame_origins=origins_of(visit),
        speaker=page_translator(visit.locale),
        rejection=rejection,
        code=reason,
        detail=error.detail if _is_explained(error) else "",
        reference=reference,
        resume_token=token,
        refresh_seconds=REFRESH_SECONDS if reason in REFRESHING and token else None,
        browser_secret=visit.browser_secret if token else "",
        secret_field=SECRET_FIELD,
        back_url=visit.return_url or _way_back(visit),
        home_url=home_of(visit.platform) if visit.platform is not None else None,
    )
    # "Try again" needs this login's cookie.
    return response if token else forget_login(services, visit, response)


def _is_explained(error: BridgeError) -> TypeGuard[LaunchRejected]:
    return isinstance(error, LaunchRejected) and error.reason in EXPLAINED


def _way_back(visit: Visit) -> str | None:
    """Return the return_url of a launch that the browser reloads or goes back to."""
    if visit.state is None:
        return None
    with reading():
        used = find_use(visit.state)
    return used.return_url if used is not None else None


def _reason(error: BridgeError) -> Reason:
    """Return the reason code for an error; any Refused comes from SCORM Cloud."""
    if isinstance(error, LaunchRejected):
        return error.reason
    if isinstance(error, ConfigurationError):
        return Reason.NOT_SET_UP
    if isinstance(error, Busy):
        return Reason.CLOUD_BUSY
    return Reason.SCORM_CLOUD_DOWN if isinstance(error, Unavailable) else Reason.SCORM_CLOUD_REFUSED


def origins_of(visit: Visit) -> list[str] | None:
    """Return the origins that may frame the response to this visit; None: any."""
    if visit.platform is None:
        return None
    return frame_origins(visit.platform, visit.return_url)


def forget_login(services: Services, visit: Visit, response: Response) -> Response:
    """Delete the cookie of this visit's login."""
    if visit.state is not None:
        forget_secret(
            response,
            cookie_name(visit.state),
            secure=services.is_secure,
        )
    return response
