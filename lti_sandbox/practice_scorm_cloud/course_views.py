"""The API's courses: import, list, show, rename, preview, configure, delete."""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from lti_sandbox.practice_scorm_cloud import courses, imports, links, lists, settings
from lti_sandbox.practice_scorm_cloud.asking import flag, json_body, tag_list, words
from lti_sandbox.practice_scorm_cloud.cloud import current_cloud
from lti_sandbox.practice_scorm_cloud.errors import ApiError
from lti_sandbox.practice_scorm_cloud.results import Document

views = Blueprint("scorm_cloud_courses", __name__)
NOTHING = ("", 204)
ONE = "/courses/<seg:id>"
VERSION = ONE + "/versions/<int:version>"


@views.get("/courses")
def list_them() -> Response:
    """List the newest version of every course, a page at a time."""
    page = lists.course_page(current_cloud(), request.args.get("more"))
    answer = jsonify(page.body)
    if page.total is not None:
        answer.headers["X-Total-Count"] = str(page.total)
    return answer


@views.get(ONE)
@views.get(VERSION)
def show(id: str, version: int | None = None) -> Response:
    """Show one course."""
    return jsonify(_shown(courses.get_course(current_cloud(), id, version)))


@views.delete(ONE)
@views.delete(VERSION)
def delete(id: str, version: int | None = None) -> Any:
    """Delete a course and every registration in it."""
    courses.delete_course(current_cloud(), id, version)
    return NOTHING


@views.get(ONE + "/versions")
def versions(id: str) -> Response:
    """List all versions of a course."""
    return jsonify(courses=[_shown(one) for one in courses.versions(current_cloud(), id)])


@views.put(ONE + "/title")
def rename(id: str) -> Any:
    """Give a course another title."""
    title = json_body().get("title")
    if not isinstance(title, str) or not title:
        raise ApiError(400, "title is required")
    cloud = current_cloud()
    courses.store_course(cloud, {**courses.get_course(cloud, id), "title": title})
    return NOTHING


@views.post(ONE + "/preview")
@views.post(VERSION + "/preview")
def preview(id: str, version: int | None = None) -> Response:
    """Build a link that plays a course and records nothing."""
    course = courses.get_course(current_cloud(), id, version)
    link = links.build(current_cloud(), json_body(), course, None)
    return jsonify(launchLink=request.url_root + links.PATH.lstrip("/") + link)


@views.get(ONE + "/tags")
def tags(id: str) -> Response:
    """Show the tags of a course."""
    return jsonify(tags=courses.get_course(current_cloud(), id)["tags"])


@views.put(ONE + "/tags")
def set_tags(id: str) -> Any:
    """Replace the tags of a course."""
    wanted = tag_list(json_body())
    cloud = current_cloud()
    courses.store_course(cloud, {**courses.get_course(cloud, id), "tags": wanted})
    return NOTHING


@views.delete(ONE + "/tags")
def remove_tags(id: str) -> Any:
    """Remove some tags of a course."""
    gone = tag_list(json_body())
    cloud = current_cloud()
    course = courses.get_course(cloud, id)
    left = [tag for tag in course["tags"] if tag not in gone]
    courses.store_course(cloud, {**course, "tags": left})
    return NOTHING


@views.get(ONE + "/configuration")
@views.get(VERSION + "/configuration")
def configuration(id: str, version: int | None = None) -> Response:
    """Show the settings of a course."""
    courses.get_course(current_cloud(), id, version)
    scopes = [settings.APPLICATION, settings.course_scope(id)]
    shown = settings.settings_json(current_cloud(), scopes, metadata=flag("includeMetadata"))
    return jsonify(shown)


@views.post(ONE + "/configuration")
@views.post(VERSION + "/configuration")
def set_configuration(id: str, version: int | None = None) -> Any:
    """Change settings of a course."""
    courses.get_course(current_cloud(), id, version)
    settings.set_settings(current_cloud(), settings.course_scope(id), json_body())
    return NOTHING


@views.delete(ONE + "/configuration/<seg:setting>")
@views.delete(VERSION + "/configuration/<seg:setting>")
def clear_configuration(id: str, setting: str, version: int | None = None) -> Any:
    """Forget one setting of a course."""
    courses.get_course(current_cloud(), id, version)
    settings.clear_setting(current_cloud(), settings.course_scope(id), setting)
    return NOTHING


@views.post("/courses/importJobs/upload")
def upload() -> Response:
    """Import the zip of the part `file`."""
    wanted = _wanted()
    file = request.files.get("file")
    if file is None:
        raise ApiError(400, "The form has no file.")
    return jsonify(result=imports.start(current_cloud(), wanted, imports.spool(file.stream)))


@views.post("/courses/importJobs")
def fetch() -> Response:
    """Import a zip from an address."""
    return _fetch(json_body())


@views.post("/courses/importJobs/noUpload")
def no_upload() -> Response:
    """Import a zip from an address, asked for in the general form."""
    ask = json_body().get("fetchRequest")
    if not isinstance(ask, dict):
        raise ApiError(400, "fetchRequest is the only kind of import without upload here")
    return _fetch(ask)


@views.get("/courses/importJobs/<seg:job>")
def import_job(job: str) -> Response:
    """Show how an import goes."""
    return jsonify(imports.job_json(current_cloud(), job))


def _fetch(ask: Document) -> Response:
    wanted = _wanted()
    url = ask.get("url")
    if not isinstance(url, str) or not url:
        raise ApiError(400, "url is required")
    return jsonify(result=imports.start(current_cloud(), wanted, url))


def _wanted() -> imports.Wanted:
    course_id = request.args.get("courseId", "")
    if not course_id or len(course_id) > 255:
        raise ApiError(400, "courseId is required and has at most 255 characters")
    wanted = imports.Wanted(
        course_id,
        new_version=flag("mayCreateNewVersion"),
        postback_url=request.args.get("postbackUrl"),
        tags=words("tags"),
    )
    if not wanted.new_version and courses.find_course(current_cloud(), course_id):
        raise ApiError(409, f"Course [{course_id}] already exists in app [{_app_id()}]")
    return wanted


def _app_id() -> str:
    return current_cloud().app_id


def _shown(course: Document) -> Document:
    return courses.course_json(
        current_cloud(),
        course,
        count=flag("includeRegistrationCount"),
        metadata=flag("includeCourseMetadata"),
    )
