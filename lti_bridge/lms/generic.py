"""An LMS of unknown kind: behaviour that is safe with any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.sentences import coded
from .base import LMS_FAILED, LMS_REFUSED, Lms
from .score_replies import (
    GONE,
    Accepted,
    CompareResult,
    Outcome,
    Reauthorize,
    Reply,
    ScoreRejected,
    TryLater,
)

if TYPE_CHECKING:
    from ..core.config import PassbackSettings

_PROXY_STATUSES = (403, 405, 413, 421)
_PAGE = ("<!doctype html", "<html")
NOT_THE_LMS = coded(
    "not_the_lms",
    "A page came instead of the LMS's answer, as from a sign-on or a proxy; it is tried again.",
)
_REFUSALS = {
    400: coded(
        "not_taken",
        "The LMS refused the score: it does not take one for this user in this activity.",
    ),
    403: coded(
        "not_permitted", "The LMS does not permit the tool to send scores to this activity."
    ),
    412: coded("other_tool", "The gradebook column belongs to another tool."),
    422: coded(
        "not_graded", "The LMS refused the score: this user cannot be graded in this activity."
    ),
}


def read_reply(reply: Reply) -> Outcome:
    """Return what a reply to a score means by its status alone.

    AGS 2.0 (https://www.imsglobal.org/spec/lti-ags/v2p0, section 3.4) names 409 for a score whose
    timestamp is not newer; Open edX says it by a 400 that names the timestamp
    (https://github.com/openedx/xblock-lti-consumer, lti_consumer/plugin/views.py). A redirect, and
    HTML with a status of success or one that proxies and sign-ons use, is no reply of the LMS. The
    rest follows HTTP (RFC 9110 section 15).
    """
    status, text = reply.status, reply.excerpt.strip().lower()
    if is_page(reply) and (200 <= status < 400 or status in _PROXY_STATUSES):
        return TryLater(NOT_THE_LMS, reply.retry_after, for_days=1.0)
    if 200 <= status < 300:
        return Accepted(shown=status != 202)  # 202: accepted, not processed yet (RFC 9110)
    if 300 <= status < 400:
        return TryLater(NOT_THE_LMS, reply.retry_after, for_days=1.0)
    if status == 400 and "timestamp" in text:
        return CompareResult()
    if status == 401:
        return Reauthorize()
    if status == 409:
        return CompareResult()
    if status == 404:
        return GONE
    if status in (408, 425, 429) or status >= 500:
        reason = LMS_FAILED.fill(status=status)
        return TryLater(reason, reply.retry_after, throttled=status == 429)
    return refuse(status)


def is_page(reply: Reply) -> bool:
    """Tell whether a reply is an HTML page."""
    return reply.excerpt.strip().lower().startswith(_PAGE)


def refuse(status: int) -> ScoreRejected:
    """Return a rejection with a reason for its status."""
    return ScoreRejected(_REFUSALS.get(status, LMS_REFUSED.fill(status=status)))


def parallel_posts(settings: PassbackSettings) -> int:
    """Return how many scores one process posts at a time."""
    return settings.parallel_posts


GENERIC = Lms(
    key="generic",
    label="Another LMS",
    name="another LMS",
    family_codes=frozenset(),
    read_reply=read_reply,
    parallel_posts=parallel_posts,
)
