"""HTTP in and out of a login, with the detours of a browser that keeps no cookie in a frame."""

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from ..core.errors import BridgeError, LaunchRejected
from ..lti.browser_binding import BrowserBinding, LoginDetour
from ..lti.launch_state import cookie_name
from ..services import Services, current_services
from ..web.frames import frame_origins
from ..web.login_cookies import BOUNCED, IN_WINDOW, keep_secret, probe
from ..web.pages import render_page, with_headers
from ..web.refusals import new_visit, refuse
from ..web.translate import page_translator
from .login import LoginBlocked, LoginStarted, start_login

blueprint = Blueprint("login", __name__, url_prefix="/lti")


@blueprint.route("/login", methods=["GET", "POST"])
def login() -> AnyResponse:
    """Third-party initiated login: send the browser on to the LMS."""
    services, visit = current_services(), new_visit()
    try:
        begun = start_login(services, request)
    except BridgeError as error:
        return refuse(services, visit, error)
    if isinstance(begun, LoginStarted):
        go = _keep_in_storage if begun.rung is BrowserBinding.STORAGE else _go
        return go(services, begun)
    if begun.detour is LoginDetour.BOUNCE:
        return _bounce(services)
    visit.platform = begun.platform
    if begun.detour is LoginDetour.GIVE_UP:
        return refuse(services, visit, LaunchRejected("no_cookies"))
    return _ask_window(begun)


def _go(services: Services, begun: LoginStarted) -> Response:
    response = _move(begun.login.url, 302)
    keep_secret(
        response,
        cookie_name(begun.login.state),
        begun.login.browser_secret,
        cookies=request.cookies,
        secure=services.is_secure,
        max_age_seconds=services.settings.launch.state_seconds,
    )
    return response


def _bounce(services: Services) -> Response:
    """Back to this address once, with the same method and form (307)."""
    query = request.query_string.decode("latin-1")
    response = _move(f"{request.path}?{query}{'&' if query else ''}{BOUNCED}=1", 307)
    probe(response, secure=services.is_secure)
    return response


def _keep_in_storage(services: Services, begun: LoginStarted) -> Response:
    """Let the LMS's page keep the secret, then go on; in a new window if it does not answer."""
    return render_page(
        "launches/storage_put.html",
        frame_origins=frame_origins(begun.platform),
        speaker=page_translator(),
        login=begun.login,
        key=cookie_name(begun.login.state),
        origin=begun.storage_origin,
        seconds=services.settings.launch.storage_seconds,
        parameters=_for_window(begun),
    )


def _ask_window(held: LoginBlocked) -> Response:
    origins = frame_origins(held.platform)
    return render_page(
        "launches/new_window.html",
        frame_origins=origins,
        speaker=page_translator(),
        parameters=_for_window(held),
    )


def _for_window(login: LoginStarted | LoginBlocked) -> dict[str, str]:
    """In a window there is no storage to offer; the LMS's other parameters stay the same."""
    kept = {name: text for name, text in login.parameters.items() if name != "lti_storage_target"}
    return {**kept, IN_WINDOW: "1"}


def _move(url: str, status: int) -> Response:
    response = redirect(url, status, Response=Response)
    assert isinstance(response, Response)
    return with_headers(response)
