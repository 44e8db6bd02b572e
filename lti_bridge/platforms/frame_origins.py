"""The sites that a platform's launches came from, which may show our pages in a frame."""

from typing import Any

from ..lti.replies import origin
from .models import Platform

MOST_ORIGINS = 20


def note_frame_origin(platform: Platform, return_url: str | None) -> None:
    """Remember the origin of a verified launch's return_url, in the caller's transaction."""
    learnt = with_frame_origin(platform, return_url)
    if learnt is not None:
        platform.learnt_origins = learnt


def with_frame_origin(platform: Any, return_url: str | None) -> list[str] | None:
    """Return the learnt origins with that of a return_url; None when there is no new one.

    Apart from those that an admin named, which none of them pushes out.
    """
    seen, learnt = origin(return_url or ""), platform.learnt_origins or []
    if seen is None or seen in (origin(platform.issuer), *platform.frame_origins, *learnt):
        return None
    # A new list: a change inside a JSON column is not noticed. The oldest gives way.
    return [*learnt, seen][-MOST_ORIGINS:]
