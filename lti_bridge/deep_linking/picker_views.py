"""HTTP of the picker: the list of courses, the confirmation, and the answer to the LMS."""

import logging
from collections.abc import Sequence

from flask import Blueprint, Response, request

from ..core.errors import Refused, Unavailable
from ..courses.import_package import interactive_seconds
from ..courses.search import START, CourseList, find_courses, read_trail, write_trail
from ..lti.deep_linking import Answer
from ..scorm_cloud.courses import Course
from ..services import Services
from ..web.pages import render_page, see_other
from ..web.refusals import refusing
from ..web.rejections import get_rejection
from . import picker as picking
from .picker import MOST_COURSES, REFUSED, Picker, Start

logger = logging.getLogger(__name__)
blueprint = Blueprint("picker", __name__, url_prefix="/lti/pick")
CANCELLED = "Nothing was added."


def show_start(services: Services, start: Start, reference: str) -> Response:
    """Answer a deep linking launch: the list of courses, or why there is none."""
    if start.refused:
        return _show_refusal(services, start, reference)
    return show_list(services, picking.read_picker(services, start.token))


@blueprint.post("")
@refusing
def browse(services: Services) -> Response:
    """Search, and turn the pages of what was found."""
    return show_list(services, _picker(services))


@blueprint.post("/preview")
@refusing
def preview(services: Services) -> Response:
    """Open a course as learners will see it, untracked, in a window of its own."""
    picker = _picker(services)
    course_id = request.form.get("preview", "")
    url = picking.build_preview(services, picker, course_id)
    return see_other(url)


@blueprint.get("/preview/done")
def end_preview() -> Response:
    """Where SCORM Cloud sends somebody who leaves such a preview; the list is still open."""
    return render_page("deep_linking/preview_done.html")


@blueprint.post("/choose")
@refusing
def choose(services: Services) -> Response:
    """Show what will be added, with titles to change and where it opens."""
    picker = _picker(services)
    courses, missing = picking.get_courses(services, picker, request.form.getlist("course"))
    if missing:
        gone = ", ".join(missing)
        return show_list(services, picker, f"Your SCORM Cloud account does not have: {gone}.")
    if not courses:
        return show_list(services, picker, "Choose a course first.")
    if len(courses) > MOST_COURSES:
        return show_list(services, picker, f"At most {MOST_COURSES} courses at a time, please.")
    chosen = [[course.id, course.title] for course in courses]
    return render_page(
        "deep_linking/confirm.html",
        frame_origins=picker.frame_origins,
        picker=picker,
        token=picking.with_data(services, picker, chosen=chosen),
        courses=courses,
    )


@blueprint.post("/add")
@refusing
def add(services: Services) -> Response:
    """Send the chosen courses to the LMS."""
    picker = _picker(services)
    items = picking.read_items(picker, request.form)
    if not items:
        return show_list(services, picker, "Choose a course first.")
    return _send_back(services, picker, Answer(items))


@blueprint.post("/cancel")
@refusing
def cancel(services: Services) -> Response:
    """Send the LMS word that nothing was picked."""
    return _send_back(services, _picker(services), Answer(message=CANCELLED))


@blueprint.post("/refused")
@refusing
def return_refused(services: Services) -> Response:
    """Send the LMS word of why nothing could be picked."""
    picker = picking.read_picker(services, request.form.get("page", ""), REFUSED)
    return _send_back(services, picker, picking.refusal_answer(picker))


def show_list(services: Services, picker: Picker, problem: str = "") -> Response:
    """Show one page of courses, with what is chosen so far; a failing list keeps its buttons."""
    form, status = request.form, 400 if problem else 200
    text = form.get("search" if "find" in form else "searched", "")
    trail = (START,) if "find" in form else read_trail(form.get("trail", ""))
    seconds = interactive_seconds(services)
    client = picking.client_of(services, picker)
    try:
        listed = find_courses(client, text, trail, deadline_seconds=seconds)
    except (Unavailable, Refused) as error:
        listed = CourseList(text, (), trail)
        problem, status = _list_problem(error), 503 if isinstance(error, Unavailable) else 502
    return render_page(
        "deep_linking/picker.html",
        status=status,
        frame_origins=picker.frame_origins,
        picker=picker,
        token=picker.token,
        listed=listed,
        failed=status >= 500,
        problem=problem,
        trail=write_trail(listed.trail),
        kept=kept_courses(picker, listed.courses),
        chosen=request.form.getlist("course"),
    )


def kept_courses(picker: Picker, shown: Sequence[Course] = ()) -> list[tuple[str, str]]:
    """Return the courses that a form says were chosen elsewhere: ids and, for people, titles."""
    if not picker.accepts_many:
        return []
    on_page = {course.id for course in shown}
    chosen = dict.fromkeys(request.form.getlist("course")[: MOST_COURSES + 1])
    return [
        (course_id, request.form.get(f"named-{course_id}", course_id))
        for course_id in chosen
        if course_id and course_id not in on_page
    ]


def _list_problem(error: Unavailable | Refused) -> str:
    if isinstance(error, Unavailable):
        return "SCORM Cloud does not answer right now. Nothing is lost: try again in a moment."
    return "SCORM Cloud refused to list the courses: the operator of this bridge should look."


def _picker(services: Services) -> Picker:
    return picking.read_picker(services, request.form.get("page", ""))


def _send_back(services: Services, picker: Picker, answer: Answer) -> Response:
    return render_page(
        "deep_linking/return.html",
        frame_origins=picker.frame_origins,
        return_url=picker.return_url,
        jwt=picking.sign_answer(services, picker, answer),
        count=len(answer.items),
    )


def _show_refusal(services: Services, start: Start, reference: str) -> Response:
    picker = picking.read_picker(services, start.token, REFUSED)
    rejection = get_rejection(start.refused)
    logger.warning("deep linking refused: %s [%s]", start.refused, reference)
    return render_page(
        "deep_linking/refused.html",
        status=rejection.status,
        frame_origins=picker.frame_origins,
        rejection=rejection,
        code=start.refused,
        reference=reference,
        token=picker.token,
    )
