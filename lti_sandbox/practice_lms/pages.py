"""The pages for people: course, activity, gradebook, connecting a tool."""

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from lti_sandbox.practice_lms.addresses import PATHS, origin
from lti_sandbox.practice_lms.current import current_lms
from lti_sandbox.practice_lms.gradebook import NoSuchCell, gradebook, read_typed, teacher_grades
from lti_sandbox.practice_lms.oidc import SESSION_COOKIE, login_form
from lti_sandbox.practice_lms.state import LmsState, Person, ToolSpec

views = Blueprint("pages", __name__)

NOBODY = "Choose who you are on the course page first."
LEFT = "You are not in this course any more."


@views.app_context_processor
def everywhere() -> dict[str, Any]:
    """Provide the LMS, the user and the URL to every template."""
    state = current_lms()
    return {"lms": state, "me": _me(state), "origin": origin()}


@views.get("/")
def course() -> str:
    """Show the course."""
    return render_template("course.html", activities=list(current_lms().activities.values()))


@views.post("/act-as")
def act_as() -> ResponseReturnValue:
    """Become another practice user."""
    key = request.form.get("person", "")
    answer = redirect(request.form.get("back") or url_for("pages.course"), 303)
    if key in current_lms().people:
        # Over https both LMSs' session cookies are sent from frames (measured for Moodle).
        secure = request.is_secure
        samesite = "None" if secure else "Lax"
        answer.set_cookie(SESSION_COOKIE, key, httponly=True, samesite=samesite, secure=secure)
    return answer


@views.get("/activities/<activity_id>")
def activity(activity_id: str) -> ResponseReturnValue:
    """Show an activity: a frame around the tool's page."""
    state = current_lms()
    found = state.activities.get(activity_id)
    if found is None:
        return _problem("There is no such activity.", 404)
    return render_template("activity.html", activity=found, as_student=_as_student(state))


@views.get("/activities/<activity_id>/launch")
def launch(activity_id: str) -> ResponseReturnValue:
    """Start the login at an activity's tool."""
    state = current_lms()
    found, person = state.activities.get(activity_id), _me(state)
    if found is None or person is None:
        return _problem(NOBODY, 400)
    if person.key in state.unenrolled:
        return _problem(LEFT, 403)
    as_student, actor = _as_student(state), _actor(state)
    return _post_login(login_form(state, found, person, as_student=as_student, actor=actor))


@views.get("/activities/<activity_id>/review/<key>")
def review(activity_id: str, key: str) -> ResponseReturnValue:
    """Show the gradebook's link to one submission: a frame around the tool's page."""
    state = current_lms()
    found = state.activities.get(activity_id)
    if found is None or key not in state.people:
        return _problem("There is no such submission.", 404)
    return render_template("review.html", activity=found, person=state.people[key])


@views.get("/activities/<activity_id>/review/<key>/launch")
def review_launch(activity_id: str, key: str) -> ResponseReturnValue:
    """Start the login of a teacher who reviews one submission."""
    state = current_lms()
    found, person = state.activities.get(activity_id), _me(state)
    if found is None or person is None or key not in state.people:
        return _problem(NOBODY, 400)
    return _post_login(login_form(state, found, person, for_user=state.people[key].sub))


@views.get("/storage-frame")
def storage_frame() -> str:
    """Serve the frame whose script keeps what tools put."""
    return render_template("storage_frame.html")


@views.get("/return")
def come_back() -> ResponseReturnValue:
    """Return from a tool to the course."""
    return redirect(url_for("pages.course"), 303)


@views.get("/gradebook")
def grades() -> str:
    """Show the gradebook."""
    return render_template("gradebook.html", rows=gradebook(current_lms()))


@views.get("/gradebook.json")
def grades_json() -> dict[str, Any]:
    """Return the gradebook for its page's script."""
    state = current_lms()
    return {"changes": state.changes, "grades": gradebook(state)}


@views.post("/gradebook")
def grade() -> ResponseReturnValue:
    """Store a grade that a teacher entered."""
    form = request.form
    where = current_lms(), form["activity"], form["person"]
    teacher_grades(*where, read_typed(form.get("score", "")))
    return redirect(url_for("pages.grades"), 303)


@views.errorhandler(NoSuchCell)
def missing(problem: NoSuchCell) -> ResponseReturnValue:
    """Say on a page what is missing."""
    return _problem(str(problem), 404)


@views.route("/tools", methods=["GET", "POST"])
def tools() -> ResponseReturnValue:
    """Show the tools, or connect one by hand."""
    state = current_lms()
    if request.method == "POST":
        return _connect(state)
    return render_template("tools.html", paths=PATHS[state.dialect])


def _problem(text: str, status: int) -> ResponseReturnValue:
    return render_template("lms_problem.html", problem=text), status


def _post_login(form: dict[str, Any]) -> ResponseReturnValue:
    page = render_template("lms_post.html", action=form["action"], fields=form["fields"])
    return page, {"Cache-Control": "no-store"}


def _me(state: LmsState) -> Person | None:
    return state.people.get(request.cookies.get(SESSION_COOKIE, ""))


def _as_student(state: LmsState) -> bool:
    """True under Moodle's "switch role to", which keeps the user and changes the role."""
    return state.dialect == "moodle" and request.args.get("as") == "student"


def _actor(state: LmsState) -> str:
    """Return the admin under Canvas's "act as user", sent as a variable if the tool asks for it."""
    key = request.args.get("masquerading", "") if state.dialect == "canvas" else ""
    return state.people[key].sub if key in state.people else ""


def _connect(state: LmsState) -> ResponseReturnValue:
    form = request.form
    wanted = ("name", "login_url", "redirect_uri", "jwks_url")
    if not all(form.get(name) for name in wanted):
        return _problem("Fill in every field.", 400)
    tool = state.connect(
        ToolSpec(form["name"], form["login_url"], [form["redirect_uri"]], form["jwks_url"])
    )
    if title := form.get("activity"):
        state.add_activity(title, tool.client_id, {"scorm_course_id": form.get("course_id", "")})
    return redirect(url_for("pages.tools"), 303)
