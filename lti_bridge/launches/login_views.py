"""HTTP routes of the login, also for browsers that block cookies in frames."""

from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from ..core.errors import BridgeError, LaunchRejected, Reason
from ..lti.browser_binding import BrowserBinding, LoginDetour
from ..lti.launch_state import cookie_name
from ..services import Services, current_services
from ..web.frames import frame_origins
from ..web.login_cookies import BOUNCED, keep_secret, probe
from ..web.pages import LONGEST_ADDRESS, lead_to, render_page, with_headers
from ..web.refusals import new_visit, refuse, refuse_page
from ..web.translate import page_translator
from .login import LoginStarted, read_window_offer, sign_window_offer, start_login

blueprint = Blueprint("login", __name__, url_prefix="/lti")


@blueprint.route("/login", methods=["GET", "POST"])
def login() -> AnyResponse:
    """Third-party initiated login: redirect the browser to the LMS."""
    services, visit = current_services(), new_visit()
    visit.issuer, visit.client_id = (request.values.get(one, "") for one in ("iss", "client_id"))
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
        return refuse(services, visit, LaunchRejected(Reason.NO_COOKIES))
    token = sign_window_offer(services, begun)
    return lead_to(_window_address(token), lambda: _show_window_offer(services, token))


@blueprint.get("/login/window")
def offer_window() -> AnyResponse:
    """Show the page whose button restarts the login in a new window."""
    services = current_services()
    try:
        return _show_window_offer(services, request.args.get("page", ""))
    except BridgeError as error:
        return refuse_page(services, error)


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
    """Redirect to this URL once, with the same method and form (307), to test cookies."""
    query = request.query_string.decode("latin-1")
    response = _move(f"{request.path}?{query}{'&' if query else ''}{BOUNCED}=1", 307)
    probe(response, secure=services.is_secure)
    return response


def _keep_in_storage(services: Services, begun: LoginStarted) -> Response:
    """Store the secret in the LMS's platform storage; without an answer, offer a new window."""
    token = sign_window_offer(services, begun)
    otherwise = _window_address(token)
    return render_page(
        "launches/storage_put.html",
        frame_origins=frame_origins(begun.platform),
        speaker=page_translator(),
        login=begun.login,
        key=cookie_name(begun.login.state),
        origin=begun.storage_origin,
        seconds=services.settings.launch.storage_seconds,
        otherwise=otherwise if len(otherwise) <= LONGEST_ADDRESS else "",
        parameters=read_window_offer(services, token)[1],
    )


def _show_window_offer(services: Services, token: str) -> Response:
    platform, parameters = read_window_offer(services, token)
    return render_page(
        "launches/new_window.html",
        frame_origins=frame_origins(platform),
        speaker=page_translator(),
        parameters=parameters,
    )


def _window_address(token: str) -> str:
    return url_for("login.offer_window", page=token)


def _move(url: str, status: int) -> Response:
    response = redirect(url, status, Response=Response)
    assert isinstance(response, Response)
    return with_headers(response)
