"""Which sites may show our pages in a frame."""

from typing import Any

from ..lti.replies import origin
from ..lti.values import PlatformValues
from ..platforms.models import Platform

MOST_ORIGINS = 20


def frame_origins(platform: PlatformValues, return_url: str | None = None) -> list[str]:
    """Return the origins that may frame a page of this platform's launch.

    Hosted Canvas frames us from the school's own domain, which its return_url names.
    """
    found = [origin(platform.issuer), origin(platform.authorization_url), origin(return_url or "")]
    return list(dict.fromkeys(one for one in (*found, *platform.frame_origins) if one))


def home_of(platform: PlatformValues) -> str | None:
    """Return the LMS's own website: where it last came from, else its issuer's."""
    seen = [one for one in (origin(platform.issuer), *platform.frame_origins) if one]
    return f"{seen[-1]}/" if seen else None


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
