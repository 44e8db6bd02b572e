"""Views of uploading a package from the picker: the form, the upload, and its import."""

from dataclasses import astuple
from typing import Any

from flask import Blueprint, Response, jsonify, request, url_for
from werkzeug.exceptions import RequestEntityTooLarge

from ..core.errors import BridgeError, PageRefused, Reason, Refused, Unavailable
from ..courses.import_package import (
    FORM_BYTES,
    MEGABYTE,
    CourseExists,
    answer_check,
    check_free,
    describe_existing,
    read_package,
    say_failure,
    too_large,
)
from ..services import Services, current_services
from ..web.pages import lead_to, with_headers
from ..web.refusals import refuse_page, refusing
from . import upload_tokens
from .picker import Picker, with_data
from .picker_views import draw, read_list

blueprint = Blueprint("packages", __name__, url_prefix="/lti/pick/package")


@blueprint.post("")
@refusing
def ask(services: Services) -> Response:
    """Redirect to the upload form."""
    picker = upload_tokens.get_uploader(services, request.form.get("page", ""))
    return _to_form(services, picker)


@blueprint.get("")
@refusing
def show_form(services: Services) -> Response:
    """The upload form: a package, and the id of its course."""
    return _show_form(services, request.args.get("page", ""))


@blueprint.post("/check")
def check() -> Response:
    """Tell the page's script whether a course id is free, before the upload."""
    services = current_services()
    try:
        picker = upload_tokens.get_uploader(services, request.form.get("page", ""))
    except BridgeError as error:
        return _json({"error": say_failure(error)}, 400)
    course_id = request.form.get("course_id", "")
    values, status = answer_check(services, picker.account, course_id, picker.may_replace)
    return _json({**values, "fresh": _fresh(services, picker)}, status)


@blueprint.post("/upload")
def upload() -> Response:
    """Receive a package and send it to SCORM Cloud; the page's script gets JSON."""
    services = current_services()
    began = services.now()
    scripted = request.accept_mimetypes.best == "application/json"
    try:
        ticket = upload_tokens.read_upload(services, request.args.get("ticket", ""))
        _read_form(services)
        picker = upload_tokens.read_upload_picker(
            services, request.form.get("page", ""), ticket, began
        )
    except BridgeError as error:
        if scripted:
            return _json({"error": say_failure(error)}, 400)
        return refuse_page(services, error)
    try:
        token = _send(services, picker)
    except BridgeError as error:
        return _tell(services, picker, error) if scripted else _to_form(services, picker, error)
    return _json({"page": token}) if scripted else _to_import(services, token)


@blueprint.post("/import")
@refusing
def look_again(services: Services) -> Response:
    """Redirect to the page of an import."""
    return _to_import(services, request.form.get("page", ""))


@blueprint.get("/import")
@refusing
def show_import(services: Services) -> Response:
    """The state of the import, and its course when it is complete."""
    return _show_import(services, request.args.get("page", ""))


@blueprint.post("/import/status")
def import_status() -> Response:
    """Return the state of an import for the page's script."""
    services = current_services()
    try:
        picker = upload_tokens.get_uploader(services, request.form.get("page", ""))
        return _json({"status": upload_tokens.read_import(services, picker).job.status})
    except Unavailable:
        return _json({"status": "RUNNING"})
    except BridgeError as error:
        return _json({"status": "ERROR", "error": say_failure(error)}, 400)


def _tell(services: Services, picker: Picker, error: BridgeError) -> Response:
    """Answer the upload's script, with fresh tokens as the page's may have expired."""
    fresh = {"fresh": _fresh(services, picker)}
    if isinstance(error, CourseExists):
        return _json(describe_existing(error) | fresh, 409)
    return _json({"error": say_failure(error), **fresh}, 400)


def _fresh(services: Services, picker: Picker) -> dict[str, str]:
    """Return a fresh token and URL for an upload form."""
    ticket = upload_tokens.sign_upload(services, picker)
    address = url_for("packages.upload", ticket=ticket)
    return {"page": with_data(services, picker), "address": address}


def _read_form(services: Services) -> None:
    """Read the form with its file; raises PageRefused when it is too large."""
    limit = services.settings.scorm_cloud.upload_megabytes
    request.max_content_length = limit * MEGABYTE + FORM_BYTES
    try:
        request.form.get("page")
    except RequestEntityTooLarge as error:
        raise PageRefused(Reason.PACKAGE_TOO_LARGE) from error
    except OSError as error:
        raise PageRefused(Reason.NO_ROOM, str(error)) from error


def _send(services: Services, picker: Picker) -> str:
    page = picker.page
    package = read_package(
        request,
        may_replace=picker.may_replace,
        sender=f"{page.visitor} {page.sub}",
        platform_id=page.platform_id,
    )
    return upload_tokens.send(services, picker, package)


def _to_form(services: Services, picker: Picker, problem: BridgeError | None = None) -> Response:
    """Show the upload form again, with the choices and the problem."""
    upload: dict[str, Any] = {"course_id": request.form.get("course_id", "")}
    if isinstance(problem, CourseExists):
        upload = {"course_id": problem.course.id, "taken": True}
    elif problem is not None:
        upload["problem"] = say_failure(problem)
    token = with_data(services, picker, list=astuple(read_list(picker)), upload=upload)
    return lead_to(url_for("packages.show_form", page=token), lambda: _show_form(services, token))


def _show_form(services: Services, token: str) -> Response:
    picker = upload_tokens.get_uploader(services, token)
    upload = picker.page.data.get("upload") or {}
    problem, existing = upload.get("problem", ""), None
    if upload.get("taken"):
        try:
            check_free(services, picker.account, upload["course_id"], picker.may_replace)
        except CourseExists as error:
            existing = error
        except BridgeError as error:
            problem = say_failure(error)
    limit = services.settings.scorm_cloud.upload_megabytes
    return draw(
        picker,
        "deep_linking/package.html",
        status=409 if existing else 400 if problem else 200,
        fresh=_fresh(services, picker),
        kept=picker.kept_courses(),
        limit=limit,
        max_bytes=limit * MEGABYTE,
        too_large=too_large(limit),
        problem=problem,
        existing=existing,
        course_id=upload.get("course_id", ""),
    )


def _to_import(services: Services, token: str) -> Response:
    picker = upload_tokens.get_uploader(services, token)
    fresh = with_data(services, picker, list=astuple(read_list(picker)), upload=None)
    address = url_for("packages.show_import", page=fresh)
    return lead_to(address, lambda: _show_import(services, fresh))


def _show_import(services: Services, token: str) -> Response:
    picker = upload_tokens.get_uploader(services, token)
    try:
        found, trouble = upload_tokens.read_import(services, picker), ""
    except (Unavailable, Refused) as error:
        found, trouble = None, say_failure(error)
    return draw(
        picker,
        "deep_linking/import.html",
        token=token,
        kept=picker.kept_courses([found.course] if found and found.course else []),
        found=found,
        trouble=trouble,
        course_id=picker.page.data["importing"],
    )


def _json(values: dict[str, Any], status: int = 200) -> Response:
    response = jsonify(values)
    response.status_code = status
    return with_headers(response)
