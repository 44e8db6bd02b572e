"""The player's views: open a launch link, serve content, store commits, redirect at the exit."""

from urllib.parse import quote, urlsplit

from flask import Blueprint, Response, jsonify, redirect, render_template, url_for
from werkzeug.wrappers import Response as BaseResponse

from lti_sandbox.player import sessions
from lti_sandbox.practice_scorm_cloud import courses, links, serving, settings
from lti_sandbox.practice_scorm_cloud.asking import json_body
from lti_sandbox.practice_scorm_cloud.cloud import Cloud, current_cloud
from lti_sandbox.practice_scorm_cloud.errors import ApiError
from lti_sandbox.practice_scorm_cloud.results import Document

views = Blueprint(
    "practice_player",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/practice-player",
)
KEYWORDS = ("closer", "blank", "message")
Answer = str | BaseResponse | tuple[str, int]


@views.get(links.PATH + "<link_id>")
def launch(link_id: str) -> Answer:
    """Open a launch link: begin a session, or say that the link is no longer good."""
    cloud = current_cloud()
    link = links.find(cloud, link_id)
    if link is None:
        return _message("gone"), 404
    if link["expires"] <= cloud.now().timestamp():
        return _message("expired"), 410
    try:
        token = sessions.open_session(cloud, link)
    except ApiError:
        return _message("gone"), 404
    return redirect(url_for("practice_player.play", token=token), 303)


@views.get("/player/<token>")
def play(token: str) -> Answer:
    """Show the player around the course's page."""
    cloud = current_cloud()
    session = sessions.find_session(cloud, token)
    if session is None:
        return _message("gone"), 404
    if session["state"] == "exited":
        return _message("ended"), 410
    try:
        values = sessions.start_values(cloud, session)
    except ApiError:
        return _message("gone"), 404
    start = {
        **_with_address(token, values),
        "sequence": session["sequence"],
        "commit_url": url_for("practice_player.commit", token=token),
        "commit_milliseconds": _commit_milliseconds(cloud, session["course_id"]),
    }
    course = courses.get_course(cloud, session["course_id"], session["version"])
    page = render_template("practice_player/player.html", start=start, course=course)
    return Response(page, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})


@views.post("/player/<token>/commit")
def commit(token: str) -> tuple[Response, int]:
    """Store what the course reported; at the exit, say where the learner goes."""
    cloud = current_cloud()
    session = sessions.find_session(cloud, token)
    if session is None:
        return jsonify(error="This session is not known."), 404
    message = json_body()
    try:
        session = sessions.commit(cloud, session, message)
        view = {}
        if message.get("navigation"):
            view = _with_address(token, sessions.start_values(cloud, session))
        elif session["several"]:
            view = {"menu": sessions.start_values(cloud, session)["menu"]}
    except ApiError as problem:
        return jsonify(error=problem.sentence, next={"kind": "message"}), problem.status
    if message.get("exit") == "exited":
        return jsonify(stored=True, next=where_next(cloud, session)), 200
    return jsonify(stored=True, view=view), 200


@views.get("/content/<token>/<path:path>")
def content(token: str, path: str) -> Response:
    """Serve one file of the course; the token in the path replaces a cookie."""
    cloud = current_cloud()
    session = sessions.find_session(cloud, token)
    if session is None:
        return serving.no_such_file()
    return serving.answer_file(cloud, session["course_id"], session["version"], path)


@views.get("/player/message/<reason>")
def message(reason: str) -> Answer:
    """Show one of the player's closing pages."""
    return _message(reason if reason in MESSAGES else "ended")


def where_next(cloud: Cloud, session: Document) -> Document:
    """Return where a learner goes after the exit: an address, or a page of the player.

    Nothing is appended to the address. One that is not absolute shows the message page.
    """
    if cloud.control.faults.never_return:
        return {"kind": "stay"}
    wanted = session["redirect"]
    if not wanted:
        scopes = [settings.APPLICATION, settings.course_scope(session["course_id"])]
        wanted = settings.effective(cloud, scopes)["RedirectOnExitUrl"][0]
    if wanted.lower() in KEYWORDS:
        return {"kind": wanted.lower()}
    parts = urlsplit(wanted)
    if parts.scheme in ("http", "https") and parts.netloc:
        return {"kind": "address", "url": wanted}
    return {"kind": "message"}


MESSAGES = {
    "gone": (
        "This course cannot be opened",
        "The link leads to no course or registration here. Go back to where you came from and "
        "open the course again.",
    ),
    "expired": (
        "This link has expired",
        "A launch link works for a short time only. Go back to where you came from and open the "
        "course again: you will get a new link, and your progress is kept.",
    ),
    "ended": (
        "You have left the course",
        "Your progress is saved. You can close this page, or go back to where you came from.",
    ),
    "stay": (
        "You have left the course",
        "Your progress is saved. The practice fault never_return is on, so the player does not "
        "take you back.",
    ),
}


def _with_address(token: str, values: Document) -> Document:
    """Add where the page of the current activity is, if there is one."""
    if values["sco"] is None:
        return values
    href = values["sco"]["href"]
    if not href.startswith(("http://", "https://")):
        href = f"/content/{token}/{quote(href, safe='/?=&#%+')}"
    return {**values, "content_url": href}


def _message(reason: str) -> str:
    title, text = MESSAGES[reason]
    return render_template("practice_player/message.html", title=title, text=text)


def _commit_milliseconds(cloud: Cloud, course_id: str) -> int:
    scopes = [settings.APPLICATION, settings.course_scope(course_id)]
    text = settings.effective(cloud, scopes)["PlayerCommCommitFrequency"][0]
    return max(int(text), 500) if text.isdigit() else 10_000
