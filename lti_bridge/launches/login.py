"""The login: choose how the browser will prove itself, then send it on to the LMS."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Request

from ..lti.browser_binding import Detour, Rung, decide_rung
from ..lti.handshake import (
    LOGIN_PARAMETERS,
    OLDER_DEPLOYMENT,
    Login,
    Rules,
    begin_login,
    read_login,
    refuse_repeated,
)
from ..lti.replies import origin
from ..lti.values import PlatformValues
from ..platforms import registry
from ..services import Services
from ..web.login_cookies import kept_secrets, look_at


@dataclass(frozen=True)
class Begun:
    """A login that may go on to the LMS; `parameters` start it again in a window of its own."""

    login: Login
    rung: Rung
    platform: PlatformValues
    parameters: Mapping[str, str]

    @property
    def storage_origin(self) -> str:
        """The one origin that platform storage is asked at and answers from (LTI CS-PM)."""
        return origin(self.platform.authorization_url) or ""


@dataclass(frozen=True)
class Held:
    """A login that cannot go on as it is: bounce, ask for a window, or give up."""

    detour: Detour
    platform: PlatformValues
    parameters: Mapping[str, str]


def start_login(services: Services, request: Request) -> Begun | Held:
    """Return where a login goes next; writes nothing. Raises LaunchRejected."""
    names = (*LOGIN_PARAMETERS, OLDER_DEPLOYMENT)
    refuse_repeated(request.values.lists(), names, "login_incomplete")
    login = read_login(request.values)
    platform = registry.find_platform(login["iss"], login.get("client_id"))
    rung = decide_rung(look_at(request))
    if isinstance(rung, Detour):
        return Held(rung, platform, login)
    begun = begin_login(
        login,
        platform,
        rung=rung.value,
        keep_in_storage=rung is Rung.STORAGE,
        kept=kept_secrets(request.cookies).values(),
        signer=services.signer,
        now=services.now(),
        rules=rules(services),
    )
    return Begun(begun, rung, platform, login)


def rules(services: Services) -> Rules:
    """Return what the settings say about launches."""
    settings = services.settings
    return Rules(
        public_url=settings.public_url,
        state_seconds=settings.launch.state_seconds,
        leeway_seconds=settings.launch.leeway_seconds,
        token_age_seconds=settings.launch.token_age_seconds,
    )
