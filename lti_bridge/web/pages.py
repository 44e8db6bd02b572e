"""Render pages with the bridge's security headers."""

import secrets
from collections.abc import Callable, Iterable
from typing import Any

from flask import Response, make_response, redirect, render_template

from .languages import ENGLISH
from .translate import Translator

# Reverse proxies accept 8 KiB of request line by default.
LONGEST_ADDRESS = 7000


def render_page(
    template: str,
    *,
    status: int = 200,
    frame_origins: Iterable[str] | None = None,
    speaker: Translator | None = None,
    **values: Any,
) -> Response:
    """Return a page that is not cached, sends no referrer, and runs only our scripts.

    `frame_origins` may show it in a frame; None: any site, for pages without session or action.
    `speaker` translates the template's _(…); None: English.
    """
    nonce = secrets.token_urlsafe(16)
    speaker = speaker or Translator(ENGLISH)
    values |= {"csp_nonce": nonce, "_": speaker, "language": speaker.language}
    values["frame_origins"] = origins = list(frame_origins) if frame_origins is not None else None
    page = make_response(render_template(template, **values), status)
    page.headers["Content-Language"] = speaker.language
    return with_headers(page, nonce, origins)


def see_other(address: str) -> Response:
    """Redirect with GET (303) and the security headers."""
    response = redirect(address, 303, Response=Response)
    assert isinstance(response, Response)
    return with_headers(response)


def lead_to(address: str, show: Callable[[], Response]) -> Response:
    """Answer a POST with a redirect (303) to a page, so that back, reload and restored tabs work.

    When its token makes the URL too long for proxies, `show` makes the page at once.
    """
    return see_other(address) if len(address) <= LONGEST_ADDRESS else show()


def with_headers(
    response: Response, nonce: str = "", frame_origins: Iterable[str] | None = None
) -> Response:
    """Add the security headers to a response.

    Without form-action: browsers apply it to redirects after a form, too, and ours lead to the
    LMS and to SCORM Cloud.
    """
    ancestors = "*" if frame_origins is None else " ".join(["'self'", *frame_origins])
    policy = ["default-src 'none'", "base-uri 'none'", "img-src 'self' data:"]
    if nonce:
        policy += [f"style-src 'self' 'nonce-{nonce}'", f"script-src 'nonce-{nonce}'"]
        policy += ["connect-src 'self'"]
    policy.append(f"frame-ancestors {ancestors}")
    response.headers["Content-Security-Policy"] = "; ".join(policy)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return forbid_guessing(response)


def forbid_guessing(response: Response) -> Response:
    """Forbid browsers to guess the content type, so that JSON never renders as HTML."""
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
