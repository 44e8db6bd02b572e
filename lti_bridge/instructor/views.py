"""The views of the instructor's pages and of submission reviews."""

from typing import Any

from flask import Blueprint, Response, request, url_for

from ..console.access import sign_in_as
from ..console.layout import go
from ..console.people.lms_admins import DOOR_LIFE, ask_for_door, load_platform_values, open_door
from ..core.errors import BridgeError
from ..lti.values import PlatformValues
from ..services import current_services
from ..web.frames import frame_origins
from ..web.login_cookies import PAGE_COOKIE
from ..web.page_tokens import PageToken, locale_of, read_page
from ..web.pages import render_page, see_other
from ..web.refusals import refuse_page
from ..web.translate import page_translator
from .activity import load_link_page
from .choose_course import choose_course_of, list_choices
from .roster import Wanted
from .submission_review import Review, load_review, page_of_exit

# Notices after an action, by query parameter: framed pages have no session.
SAID = {
    "resent": "The grades are decided and sent anew. The list of learners shows how each stands.",
    "left": "They are left as they are, and nobody is asked about them again.",
    "policy": "The grading is changed. Grades that it changes are sent in the next minutes.",
    "reread": "The result is read again; this takes a moment.",
    "resend": "The grade is decided and sent anew. How it stands is said above.",
    "late": "That cannot be done at the moment; this is how it stands now.",
    "another": "Another attempt is allowed. It is offered when the learner opens the activity.",
}

blueprint = Blueprint("console", __name__, url_prefix="/console")


@blueprint.get("/link")
def link() -> Response:
    """The instructor's page of one resource link."""
    services, token = current_services(), request.args.get("page", "")
    try:
        page = read_page(services, token)
        shown = load_link_page(services, page, _wanted())
    except BridgeError as error:
        return refuse_page(services, error)
    return render_page(
        "instructor/activity.html",
        frame_origins=_frame_origins(shown.facts.platform, page),
        shown=shown,
        token=token,
        said=SAID.get(request.args.get("said", "")),
        back_url=page.back_url,
    )


def _wanted() -> Wanted:
    """Return the filter of the query parameters."""
    start = request.args.get("start", type=int, default=0)
    return Wanted(request.args.get("search", ""), request.args.get("state", ""), start)


@blueprint.get("/link/courses")
def courses() -> Response:
    """The courses that the link could open."""
    services, token = current_services(), request.args.get("page", "")
    search, trail = request.args.get("search", ""), request.args.get("trail", "")
    try:
        page = read_page(services, token)
        choice = list_choices(services, page, search, trail)
    except BridgeError as error:
        return refuse_page(services, error)
    return render_page(
        "instructor/choose_course.html",
        frame_origins=_frame_origins(choice.facts.platform, page),
        choice=choice,
        token=token,
    )


@blueprint.post("/link/course")
def choose() -> Response:
    """Store or remove the instructor's choice."""
    services, token = current_services(), request.form.get("page", "")
    try:
        page = read_page(services, token)
        choose_course_of(services, page, request.form.get("course_id", ""))
    except BridgeError as error:
        return refuse_page(services, error)
    return see("console.link", token)


@blueprint.get("/review")
def review() -> Response:
    """One learner's result, for a submission review."""
    services, token = current_services(), request.args.get("page", "")
    try:
        page = read_page(services, token)
        return show_review(page, load_review(services, page), token)
    except BridgeError as error:
        return refuse_page(services, error, locale_of(services, token))


@blueprint.get("/result")
def result() -> Response:
    """The learner's own result, by the token of the exit URL."""
    services, token = current_services(), request.args.get("exit", "")
    try:
        page = page_of_exit(services, token)
        return show_review(page, load_review(services, page))
    except BridgeError as error:
        return refuse_page(services, error)


def show_review(
    page: PageToken, shown: Review, token: str = "", *, back_to_link: bool = False
) -> Response:
    """Render a result, for learners in their language and for staff in English.

    With `token`, managers get buttons; `back_to_link` adds a link to all learners.
    """
    own = shown.own and not page.visitor.is_staff
    return render_page(
        "instructor/own_result.html" if own else "instructor/submission_review.html",
        frame_origins=_frame_origins(shown.facts.platform, page),
        speaker=page_translator(page.locale) if own else None,
        shown=shown,
        token=token,
        may_change=bool(token) and page.visitor.manages,
        back_to_link=back_to_link,
        said=SAID.get(request.args.get("said", "")),
        back_url=page.back_url,
    )


@blueprint.post("/enter")
def enter() -> Response:
    """An admin's button on an activity's page: enter the console, or request access."""
    services, token = current_services(), request.form.get("page", "")
    try:
        page = read_page(services, token)
        door = ask_for_door(services, page, request.cookies.get(PAGE_COOKIE))
        origins = _frame_origins(load_platform_values(page), page)
    except BridgeError as error:
        return refuse_page(services, error)
    return render_page(
        "instructor/asked.html" if door is None else "instructor/door.html",
        frame_origins=origins,
        door=door,
        seconds=round(DOOR_LIFE.total_seconds()),
        back_url=page.back_url,
    )


@blueprint.post("/enter/door")
def go_through() -> Response:
    """Sign in to the console, in a window: frames do not keep the session's cookie."""
    services = current_services()
    try:
        sign_in_as(open_door(services, request.form.get("door", "")))
    except BridgeError as error:
        return refuse_page(services, error)
    return go("dashboard.overview")


def see(endpoint: str, token: str, **values: Any) -> Response:
    """Redirect to a page of the same token after a POST."""
    return see_other(url_for(endpoint, page=token, **values))


def _frame_origins(platform: PlatformValues, page: PageToken) -> list[str]:
    return frame_origins(platform, page.back_url)
