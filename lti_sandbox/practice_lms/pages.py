"""The pages that people use: course, activity, gradebook, connecting a tool."""

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for

from lti_sandbox.practice_lms.addresses import PATHS, origin
from lti_sandbox.practice_lms.gradebook import gradebook, teacher_grades
from lti_sandbox.practice_lms.oidc import SESSION_COOKIE, login_form
from lti_sandbox.practice_lms.state import LmsState, Person, ToolSpec


def make_pages(state: LmsState) -> Blueprint:
    """Return the routes of the pages."""
    blueprint = Blueprint("pages", __name__)

    @blueprint.app_context_processor
    def everywhere() -> dict[str, Any]:
        return {"lms": state, "me": _me(state), "origin": origin()}

    @blueprint.get("/")
    def course() -> Any:
        return render_template("course.html", activities=list(state.activities.values()))

    @blueprint.post("/act-as")
    def act_as() -> Any:
        key = request.form.get("person", "")
        answer = redirect(request.form.get("back") or url_for("pages.course"), 303)
        if key in state.people:
            # Over https both LMSs let their session go along from a tool's frame (Moodle measured).
            secure = request.is_secure
            samesite = "None" if secure else "Lax"
            answer.set_cookie(SESSION_COOKIE, key, httponly=True, samesite=samesite, secure=secure)
        return answer

    @blueprint.get("/activities/<activity_id>")
    def activity(activity_id: str) -> Any:
        found = state.activities.get(activity_id)
        if found is None:
            return render_template("lms_problem.html", problem="There is no such activity."), 404
        as_student = _as_student(state)
        return render_template("activity.html", activity=found, as_student=as_student)

    @blueprint.get("/activities/<activity_id>/launch")
    def launch(activity_id: str) -> Any:
        found, person = state.activities.get(activity_id), _me(state)
        if found is None or person is None:
            text = "Choose who you are on the course page first."
            return render_template("lms_problem.html", problem=text), 400
        as_student, actor = _as_student(state), _actor(state)
        form = login_form(state, found, person, as_student=as_student, actor=actor)
        page = render_template("lms_post.html", action=form["action"], fields=form["fields"])
        return page, {"Cache-Control": "no-store"}

    @blueprint.get("/activities/<activity_id>/review/<key>")
    def review(activity_id: str, key: str) -> Any:
        """The gradebook's link to one submission: a frame around the tool's page."""
        found = state.activities.get(activity_id)
        if found is None or key not in state.people:
            return render_template("lms_problem.html", problem="There is no such submission."), 404
        return render_template("review.html", activity=found, person=state.people[key])

    @blueprint.get("/activities/<activity_id>/review/<key>/launch")
    def review_launch(activity_id: str, key: str) -> Any:
        found, person = state.activities.get(activity_id), _me(state)
        if found is None or person is None or key not in state.people:
            text = "Choose who you are on the course page first."
            return render_template("lms_problem.html", problem=text), 400
        form = login_form(state, found, person, for_user=state.people[key].sub)
        page = render_template("lms_post.html", action=form["action"], fields=form["fields"])
        return page, {"Cache-Control": "no-store"}

    @blueprint.get("/storage-frame")
    def storage_frame() -> Any:
        return render_template("storage_frame.html")

    @blueprint.get("/return")
    def come_back() -> Any:
        return redirect(url_for("pages.course"), 303)

    @blueprint.get("/gradebook")
    def grades() -> Any:
        return render_template("gradebook.html", rows=gradebook(state))

    @blueprint.get("/gradebook.json")
    def grades_json() -> Any:
        return {"changes": state.changes, "grades": gradebook(state)}

    @blueprint.post("/gradebook")
    def grade() -> Any:
        text = request.form.get("score", "").strip()
        score = float(text) if text.replace(".", "", 1).isdigit() else None
        teacher_grades(state, request.form["activity"], request.form["person"], score)
        return redirect(url_for("pages.grades"), 303)

    @blueprint.route("/tools", methods=["GET", "POST"])
    def tools() -> Any:
        if request.method == "POST":
            return _connect(state)
        return render_template("tools.html", paths=PATHS[state.dialect])

    return blueprint


def _me(state: LmsState) -> Person | None:
    return state.people.get(request.cookies.get(SESSION_COOKIE, ""))


def _as_student(state: LmsState) -> bool:
    """Moodle's "switch role to" keeps the user and changes the role."""
    return state.dialect == "moodle" and request.args.get("as") == "student"


def _actor(state: LmsState) -> str:
    """Canvas's "act as user": the tool is told by a variable, if it asks for that."""
    key = request.args.get("masquerading", "") if state.dialect == "canvas" else ""
    return state.people[key].sub if key in state.people else ""


def _connect(state: LmsState) -> Any:
    form = request.form
    wanted = ("name", "login_url", "redirect_uri", "jwks_url")
    if not all(form.get(name) for name in wanted):
        return render_template("lms_problem.html", problem="Fill in every field."), 400
    tool = state.connect(
        ToolSpec(form["name"], form["login_url"], [form["redirect_uri"]], form["jwks_url"])
    )
    if title := form.get("activity"):
        state.add_activity(title, tool.client_id, {"scorm_course_id": form.get("course_id", "")})
    return redirect(url_for("pages.tools"), 303)
