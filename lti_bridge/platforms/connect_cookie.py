"""A cookie that lets the browser that connected an LMS activate its first deployment."""

from collections.abc import Mapping

from flask import Response

from ..core.signing import BadToken
from ..services import Services

COOKIE = "lti_bridge_connected"
PURPOSE = "connected"
LIFE_SECONDS = 3600


def remember_browser(services: Services, response: Response, platform_id: int) -> None:
    """Set a signed cookie: this browser completed a platform's registration."""
    secure = services.is_secure
    response.set_cookie(
        COOKIE,
        services.signer.sign(PURPOSE, platform_id),
        max_age=LIFE_SECONDS,
        path="/lti",
        httponly=True,
        secure=secure,
        samesite="None" if secure else "Lax",
        partitioned=secure,
    )


def connected_here(services: Services, cookies: Mapping[str, str], platform_id: int) -> bool:
    """Tell whether this browser completed the platform's registration in the last hour."""
    try:
        known = services.signer.unsign(
            PURPOSE, cookies.get(COOKIE, ""), max_age_seconds=LIFE_SECONDS
        )
    except BadToken:
        return False
    return bool(known == platform_id)
