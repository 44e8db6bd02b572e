"""The origins of a platform's launches; they may show the bridge's pages in a frame."""

from typing import Any

from ..lti.replies import origin
from .models import Platform

MOST_ORIGINS = 20


def note_frame_origin(platform: Platform, return_url: str | None) -> None:
    """Store the origin of a verified launch's return_url, in the caller's transaction."""
    learnt = with_frame_origin(platform, return_url)
    if learnt is not None:
        platform.learnt_origins = learnt


def with_frame_origin(platform: Any, return_url: str | None) -> list[str] | None:
    """Return the learnt origins with that of a return_url added; None when it is not new.

    Origins that an admin named are stored apart, so that learnt ones never replace them.
    """
    seen, learnt = origin(return_url or ""), platform.learnt_origins or []
    if seen is None or seen in (origin(platform.issuer), *platform.frame_origins, *learnt):
        return None
    # A new list, since SQLAlchemy does not detect changes inside JSON. The oldest is dropped.
    return [*learnt, seen][-MOST_ORIGINS:]
