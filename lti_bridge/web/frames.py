"""Origins that may show the bridge's pages in a frame."""

from ..lti.replies import origin
from ..lti.values import PlatformValues


def frame_origins(platform: PlatformValues, return_url: str | None = None) -> list[str]:
    """Return the origins that may frame a page of this platform's launch.

    Hosted Canvas frames it from the school's own domain, which only the return_url names.
    """
    found = [origin(platform.issuer), origin(platform.authorization_url), origin(return_url or "")]
    return list(dict.fromkeys(one for one in (*found, *platform.frame_origins) if one))


def home_of(platform: PlatformValues) -> str | None:
    """Return the LMS's website: the newest known origin, else the issuer's."""
    seen = [one for one in (origin(platform.issuer), *platform.frame_origins) if one]
    return f"{seen[-1]}/" if seen else None
