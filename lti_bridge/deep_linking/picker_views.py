"""Views of the picker: the list of courses, the confirmation, and the response to the LMS."""

import logging
from dataclasses import astuple, replace
from typing import Any

from flask import Blueprint, Response, request, url_for

from ..core.errors import Refused, Unavailable
from ..courses.import_package import interactive_seconds
from ..courses.search import CourseList, find_courses, read_trail, write_trail
from ..lti.deep_linking import Answer
from ..services import Services
from ..web.pages import lead_to, render_page, see_other
from ..web.refusals import new_visit, refusing
from ..web.rejections import get_rejection
from . import picker as picking
from .picker import ANSWER, MOST_COURSES, REFUSED, Picker, ShownList, describe_course

logger = logging.getLogger(__name__)
blueprint = Blueprint("picker", __name__, url_prefix="/lti/pick")
CANCELLED = "Nothing was added."
NOTHING_CHOSEN = "Choose a course first."


@blueprint.get("")
@refusing
def courses(services: Services) -> Response:
    """The list of courses, in the state of the token."""
    return show_courses(services, request.args.get("page", ""))


@blueprint.post("")
@refusing
def browse(services: Services) -> Response:
    """Search, or go to another page of results."""
    return _to_list(services, _picker(services))


@blueprint.post("/preview")
@refusing
def preview(services: Services) -> Response:
    """Open an untracked preview of a course in a window."""
    picker = _picker(services)
    course_id = request.form.get("preview", "")
    url = picking.build_preview(services, picker, course_id)
    return see_other(url)


@blueprint.get("/preview/done")
def end_preview() -> Response:
    """The page after a preview; the list is still open in the other window."""
    return render_page("deep_linking/preview_done.html")


@blueprint.post("/choose")
@refusing
def choose(services: Services) -> Response:
    """Check that the chosen courses exist, then ask for confirmation."""
    picker = _picker(services)
    courses, missing = picking.get_courses(services, picker, request.form.getlist("course"))
    if missing:
        gone = ", ".join(missing)
        return _to_list(services, picker, f"Your SCORM Cloud account does not have: {gone}.")
    if not courses:
        return _to_list(services, picker, NOTHING_CHOSEN)
    if len(courses) > MOST_COURSES:
        return _to_list(services, picker, f"At most {MOST_COURSES} courses at a time, please.")
    chosen = [[course.id, course.title, describe_course(course)] for course in courses]
    token = picking.with_data(services, picker, chosen=chosen, list=None)
    address = url_for("picker.confirm", page=token)
    return lead_to(address, lambda: _show_confirmation(services, token))


@blueprint.get("/choose")
@refusing
def confirm(services: Services) -> Response:
    """The confirmation form with the title and target of each course."""
    return _show_confirmation(services, request.args.get("page", ""))


@blueprint.post("/add")
@refusing
def add(services: Services) -> Response:
    """Respond to the LMS with the chosen courses."""
    picker = _picker(services)
    items = picking.read_items(picker, request.form)
    if not items:
        return _to_list(services, picker, NOTHING_CHOSEN)
    return _to_answer(services, picker, Answer(items))


@blueprint.post("/cancel")
@refusing
def cancel(services: Services) -> Response:
    """Respond to the LMS that nothing was picked."""
    return _to_answer(services, _picker(services), Answer(message=CANCELLED))


@blueprint.get("/refused")
@refusing
def refusal(services: Services) -> Response:
    """The page that says why nothing can be picked."""
    return show_refusal(services, request.args.get("page", ""))


@blueprint.post("/refused")
@refusing
def return_refused(services: Services) -> Response:
    """Respond to the LMS with the reason why nothing could be picked."""
    picker = picking.read_picker(services, request.form.get("page", ""), REFUSED)
    return _to_answer(services, picker, picking.refusal_answer(picker))


@blueprint.get("/answer")
@refusing
def answer(services: Services) -> Response:
    """The page that posts the response to the LMS."""
    return _show_answer(services, request.args.get("page", ""))


def show_courses(services: Services, token: str) -> Response:
    """Show one page of courses and the choice so far; buttons remain when the list fails."""
    picker = picking.read_picker(services, token)
    wanted = picker.wanted
    status = 400 if wanted.problem else 200
    trail, problem = read_trail(wanted.trail), wanted.problem
    try:
        listed = find_courses(
            picking.client_of(services, picker),
            wanted.text,
            trail,
            deadline_seconds=interactive_seconds(services),
        )
    except (Unavailable, Refused) as error:
        listed = CourseList(wanted.text, (), trail)
        problem, status = _list_problem(error), 503 if isinstance(error, Unavailable) else 502
    return draw(
        picker,
        "deep_linking/picker.html",
        status=status,
        token=token,
        listed=listed,
        failed=status >= 500,
        problem=problem,
        trail=write_trail(listed.trail),
        kept=picker.kept_courses(listed.courses),
        chosen=dict(wanted.chosen),
    )


def draw(picker: Picker, template: str, **values: Any) -> Response:
    """Render a page of the picker."""
    return render_page(template, frame_origins=picker.frame_origins, picker=picker, **values)


def read_list(picker: Picker) -> ShownList:
    """Read the state of the list from a form of the picker."""
    form = request.form
    chosen = dict.fromkeys(filter(None, form.getlist("course")))
    ids = list(chosen)[: MOST_COURSES + 1] if picker.accepts_many else []
    return ShownList(
        text=form.get("search" if "find" in form else "searched", ""),
        trail="" if "find" in form else form.get("trail", ""),
        chosen=tuple((one, form.get(f"named-{one}", one)) for one in ids),
    )


def _to_list(services: Services, picker: Picker, problem: str = "") -> Response:
    wanted = replace(read_list(picker), problem=problem)
    token = picking.with_data(services, picker, list=astuple(wanted))
    return lead_to(url_for("picker.courses", page=token), lambda: show_courses(services, token))


def _list_problem(error: Unavailable | Refused) -> str:
    if isinstance(error, Unavailable):
        return "SCORM Cloud does not answer right now. Nothing is lost: try again in a moment."
    return "SCORM Cloud refused to list the courses: the operator of this bridge should look."


def _picker(services: Services) -> Picker:
    return picking.read_picker(services, request.form.get("page", ""))


def _show_confirmation(services: Services, token: str) -> Response:
    picker = picking.read_picker(services, token)
    return draw(
        picker,
        "deep_linking/confirm.html",
        token=token,
        courses=picker.page.data.get("chosen", ()),
    )


def _to_answer(services: Services, picker: Picker, answer: Answer) -> Response:
    token = picking.sign_answer_page(services, picker, answer)
    return lead_to(url_for("picker.answer", page=token), lambda: _show_answer(services, token))


def _show_answer(services: Services, token: str) -> Response:
    picker = picking.read_picker(services, token, ANSWER)
    answer = picking.read_answer(picker)
    return draw(
        picker,
        "deep_linking/return.html",
        return_url=picker.return_url,
        jwt=picking.sign_answer(services, picker, answer),
        count=len(answer.items),
    )


def show_refusal(services: Services, token: str) -> Response:
    """Render the reason why nothing can be picked, with a way back."""
    picker = picking.read_picker(services, token, REFUSED)
    reason, reference = picker.refused, new_visit().correlation_id
    rejection = get_rejection(reason)
    logger.warning("deep linking refused: %s [%s]", reason, reference)
    return draw(
        picker,
        "deep_linking/refused.html",
        status=rejection.status,
        rejection=rejection,
        code=reason,
        reference=reference,
        token=picker.token,
    )
