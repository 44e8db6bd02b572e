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
    known = with_frame_origin(platform, return_url)
    if known is not None:
        platform.frame_origins = known


def with_frame_origin(platform: Any, return_url: str | None) -> list[str] | None:
    """Return the platform's origins with that of a return_url; None when there is no new one."""
    seen = origin(return_url or "")
    if seen is None or seen == origin(platform.issuer) or seen in platform.frame_origins:
        return None
    # A new list: a change inside a JSON column is not noticed. The oldest gives way.
    return [*platform.frame_origins, seen][-MOST_ORIGINS:]
