"""HTTP routes of launches: launch, retry, attempts, preview, and the public keys."""

from collections.abc import Callable

from flask import Blueprint, Response, jsonify, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from ..core.db import reading
from ..core.errors import BridgeError, LaunchRejected, Reason
from ..deep_linking import picker_views
from ..lti.handshake import LAUNCH_PARAMETERS, refuse_repeated
from ..platforms.keys import public_jwks
from ..services import Services, current_services
from ..web.frames import frame_origins
from ..web.login_cookies import forget_secret, keep_page_secret
from ..web.page_tokens import locale_of, read_page
from ..web.pages import lead_to, render_page, see_other, with_headers
from ..web.refusals import (
    forget_login,
    new_visit,
    origins_of,
    publish_launch,
    refuse,
    refuse_page,
)
from ..web.rejections import get_rejection
from ..web.translate import page_translator
from ..web.visit import SECRET_FIELD, Visit
from . import preview, receive_launch, retry_token
from .before_player import find_left_url, load_before_player
from .outcomes import AskStorage, OpenPlayer, Shown

blueprint = Blueprint("launches", __name__, url_prefix="/lti")
JWKS_SECONDS = 300


@blueprint.get("/launch")
def launch_by_hand() -> AnyResponse:
    """Answer GET on the launch URL: a typed or reloaded address."""
    return refuse(current_services(), new_visit(), LaunchRejected(Reason.NOT_FROM_LMS))


@blueprint.post("/launch")
def launch() -> AnyResponse:
    """Receive the LMS's id_token: verify it and open what it asks for."""
    services, visit = current_services(), new_visit()
    visit.in_window = request.headers.get("Sec-Fetch-Dest") == "document"
    try:
        refuse_repeated(request.values.lists(), LAUNCH_PARAMETERS, Reason.REQUEST_UNREADABLE)
        outcome = receive_launch.receive_launch(services, request.form, request.cookies, visit)
        if isinstance(outcome, AskStorage):
            return _ask_storage(services, visit, outcome)
        response = _show(services, outcome)
    except BridgeError as error:
        if visit.launch_id is not None and visit.state is not None:
            visit.resume_token = retry_token.sign_resume(services, visit.launch_id, visit.state)
        return refuse(services, visit, error)
    publish_launch(services, visit, "opened")
    return forget_login(services, visit, response)


@blueprint.route("/resume", methods=["GET", "POST"])
def try_again() -> AnyResponse:
    """Continue a launch after SCORM Cloud failed, in the same browser."""
    services, visit = current_services(), new_visit()
    token = request.values.get("token", "")
    try:
        secret = request.form.get(SECRET_FIELD, "")
        known = retry_token.read_resume(services, token, request.cookies, secret)
        visit.browser_secret = secret
        visit.platform, visit.return_url = known.platform, known.return_url
        visit.locale, visit.resume_token = known.locale, token
        player = receive_launch.open_player(services, known.launch_id)
    except BridgeError as error:
        return refuse(services, visit, error)
    publish_launch(services, visit, "resumed")
    response = _move(player.url, 303)
    forget_secret(response, known.cookie, secure=services.is_secure)
    return response


@blueprint.get("/attempt")
def show_attempts() -> AnyResponse:
    """Show the page before the player: attempts, or a button that opens a window."""
    return _guarded(_show_before_player)


@blueprint.get("/attempt/left/<token>")
def watch(token: str) -> AnyResponse:
    """Return, as JSON, the exit page's URL once the learner has left the course."""
    try:
        answer = jsonify(address=find_left_url(current_services(), token))
    except BridgeError:
        answer = jsonify(error="unknown")
        answer.status_code = 404
    return with_headers(answer)


@blueprint.post("/attempt")
def choose_attempt() -> AnyResponse:
    """Open the learner's choice: the newest attempt, or another one."""
    services, visit = current_services(), new_visit()
    token, another = request.form.get("page", ""), request.form.get("choice") == "another"
    try:
        player = receive_launch.open_attempt(services, token, another=another)
    except BridgeError as error:
        visit.locale = locale_of(services, token)
        return refuse(services, visit, error)
    return _move(player.url, 303)


@blueprint.post("/learn")
def learn() -> AnyResponse:
    """Handle "I am a learner here", for users seen as staff in a student's role."""
    services, visit = current_services(), new_visit()
    visit.in_window = request.headers.get("Sec-Fetch-Dest") == "document"
    token = request.form.get("page", "")
    try:
        outcome = receive_launch.open_as_learner(services, token, visit)
    except BridgeError as error:
        visit.locale = locale_of(services, token)
        return refuse(services, visit, error)
    publish_launch(services, visit, "opened")
    return _show(services, outcome)


@blueprint.get("/preview")
def show_preview() -> AnyResponse:
    """Show an activity's preview page."""
    return _guarded(_show_preview)


@blueprint.post("/preview")
def open_preview() -> AnyResponse:
    """Open the untracked player."""
    services, visit = current_services(), new_visit()
    token = request.form.get("page", "")
    try:
        return _move(preview.open_preview(services, token), 303)
    except BridgeError as error:
        visit.locale = locale_of(services, token)
        return refuse(services, visit, error)


@blueprint.get("/preview/done")
def end_preview() -> AnyResponse:
    """Show the page to which SCORM Cloud redirects at the end of a preview."""
    services = current_services()
    try:
        page = read_page(services, request.args.get("page", ""))
    except BridgeError as error:
        return refuse(services, new_visit(), error)
    return render_page(
        "launches/preview_done.html", speaker=page_translator(page.locale), back_url=page.back_url
    )


@blueprint.get("/jwks.json")
def jwks() -> AnyResponse:
    """Return the tool's key set, with which platforms verify our signatures."""
    with reading():
        response = jsonify(public_jwks())
    response.headers["Cache-Control"] = f"public, max-age={JWKS_SECONDS}"
    return response


def _ask_storage(services: Services, visit: Visit, asked: AskStorage) -> Response:
    """Show a page that gets the secret from platform storage and posts the launch again."""
    fields = {name: request.form.get(name, "") for name in ("state", "id_token")}
    return render_page(
        "launches/storage_get.html",
        frame_origins=origins_of(visit),
        speaker=page_translator(),
        asked=asked,
        fields=fields,
        secret_field=SECRET_FIELD,
        seconds=services.settings.launch.storage_seconds,
        rejection=get_rejection(Reason.BROWSER_UNPROVEN),
        code=Reason.BROWSER_UNPROVEN,
        reference=visit.correlation_id,
    )


def _show(services: Services, outcome: Shown) -> Response:
    if isinstance(outcome, OpenPlayer):
        return _move(outcome.url, 303)
    address = url_for(outcome.endpoint, page=outcome.token)
    show = SHOWS.get(outcome.endpoint)
    if show is None:
        response = see_other(address)
    else:
        response = lead_to(address, lambda: show(services, outcome.token))
    if outcome.secret is not None:
        keep_page_secret(response, outcome.secret, secure=services.is_secure)
    return response


def _guarded(show: Callable[[Services, str], Response]) -> Response:
    """Show a page for the URL's token, or its rejection, in the page's language."""
    services, token = current_services(), request.args.get("page", "")
    try:
        return show(services, token)
    except BridgeError as error:
        return refuse_page(services, error, locale_of(services, token))


def _show_before_player(services: Services, token: str) -> Response:
    """Show the page before the player; after the exit, redirect to the result."""
    shown = load_before_player(services, token)
    if shown.left_url:
        return see_other(shown.left_url)
    return render_page(
        "launches/attempts.html" if shown.offer is not None else "launches/open_course.html",
        frame_origins=frame_origins(shown.platform, shown.page.back_url),
        speaker=page_translator(shown.page.locale),
        shown=shown,
        offer=shown.offer,
        new_window=shown.new_window,
        token=token,
        back_url=shown.page.back_url,
    )


def _show_preview(services: Services, token: str) -> Response:
    shown = preview.load_preview(services, token)
    return render_page(
        "launches/preview.html",
        frame_origins=frame_origins(shown.platform, shown.page.back_url),
        speaker=page_translator(shown.page.locale),
        page=shown,
        token=token,
        back_url=shown.page.back_url,
    )


# The pages of a launch by endpoint, for tokens too long for a URL.
SHOWS: dict[str, Callable[[Services, str], Response]] = {
    "launches.show_attempts": _show_before_player,
    "launches.show_preview": _show_preview,
    "picker.courses": picker_views.show_courses,
    "picker.refusal": picker_views.show_refusal,
}


def _move(url: str, status: int) -> Response:
    response = redirect(url, status, Response=Response)
    assert isinstance(response, Response)
    return with_headers(response)
