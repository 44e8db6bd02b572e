"""The login: choose how to bind the launch to this browser, then redirect to the LMS."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from flask import Request

from ..core.errors import LaunchRejected, PageRefused, Reason
from ..core.signing import BadToken
from ..lti.browser_binding import (
    BrowserBinding,
    LoginDetour,
    decide_binding,
    several_loopback_names,
)
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
from ..web.login_cookies import IN_WINDOW, kept_secrets, look_at
from ..web.page_tokens import PAGE_SECONDS

# Purpose of the token of the new-window page; the LMS's login hint in it works only once.
WINDOW_OFFER = "window offer"


@dataclass(frozen=True)
class LoginStarted:
    """A login that continues at the LMS; `parameters` restart it in a new window."""

    login: Login
    rung: BrowserBinding
    platform: PlatformValues
    parameters: Mapping[str, str]

    @property
    def storage_origin(self) -> str:
        """The only origin for platform storage messages (LTI Client Side postMessages)."""
        return origin(self.platform.authorization_url) or ""


@dataclass(frozen=True)
class LoginBlocked:
    """A login that cannot continue here: bounce once, ask for a new window, or give up."""

    detour: LoginDetour
    platform: PlatformValues
    parameters: Mapping[str, str]


def start_login(services: Services, request: Request) -> LoginStarted | LoginBlocked:
    """Return how a login continues; writes nothing. Raises LaunchRejected."""
    names = (*LOGIN_PARAMETERS, OLDER_DEPLOYMENT)
    refuse_repeated(request.values.lists(), names, Reason.LOGIN_INCOMPLETE)
    login = read_login(request.values)
    platform = registry.find_platform(login["iss"], login.get("client_id"))
    rung = decide_binding(look_at(request))
    if isinstance(rung, LoginDetour):
        if rung is not LoginDetour.BOUNCE:
            refuse_two_names(services, platform, request.host_url)
        return LoginBlocked(rung, platform, login)
    begun = begin_login(
        login,
        platform,
        rung=rung.value,
        keep_in_storage=rung is BrowserBinding.STORAGE,
        kept=kept_secrets(request.cookies).values(),
        signer=services.signer,
        now=services.now(),
        rules=rules(services),
    )
    return LoginStarted(begun, rung, platform, login)


def sign_window_offer(services: Services, login: LoginStarted | LoginBlocked) -> str:
    """Return the token of the page whose button restarts a login in a new window.

    Encrypted: it is part of a URL, and the LMS's hints may identify the user. Drops the storage
    target, since platform storage needs a frame; other LMS parameters stay.
    """
    kept = {name: text for name, text in login.parameters.items() if name != "lti_storage_target"}
    issued_at = round(services.now().timestamp())
    values = [WINDOW_OFFER, issued_at, login.platform.id, {**kept, IN_WINDOW: "1"}]
    return services.signer.encrypt(json.dumps(values, separators=(",", ":")))


def read_window_offer(services: Services, token: str) -> tuple[PlatformValues, dict[str, str]]:
    """Return the platform and the login parameters of a token; raises LaunchRejected."""
    try:
        purpose, issued_at, platform_id, parameters = json.loads(services.signer.decrypt(token))
        age = services.now().timestamp() - issued_at
    except (BadToken, ValueError, TypeError) as error:
        raise PageRefused(Reason.PAGE_EXPIRED) from error
    if purpose != WINDOW_OFFER or age > PAGE_SECONDS:
        raise PageRefused(Reason.PAGE_EXPIRED)
    return registry.get_platform(platform_id), parameters


def rules(services: Services) -> Rules:
    """Return the settings for verifying launches."""
    settings = services.settings
    return Rules(
        public_url=settings.public_url,
        state_seconds=settings.launch.state_seconds,
        leeway_seconds=settings.launch.leeway_seconds,
        token_age_seconds=settings.launch.token_age_seconds,
    )


def refuse_two_names(services: Services, platform: PlatformValues, *others: str) -> None:
    """Raise LaunchRejected "two_host_names" when that explains the missing cookie."""
    ours = services.settings.public_url
    if several_loopback_names([ours, platform.authorization_url, *others]):
        raise LaunchRejected(Reason.TWO_HOST_NAMES)
