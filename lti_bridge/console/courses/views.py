"""The console's views of courses: the list, one course, uploads and imports."""

from typing import Any

from flask import Blueprint, Response, jsonify, request, url_for

from ...audit.actor import Actor
from ...core.errors import BridgeError, NotFound, Refused, Unavailable
from ...courses.import_package import (
    FORM_BYTES,
    MEGABYTE,
    CourseExists,
    answer_check,
    describe_existing,
    interactive_seconds,
    look_at_import,
    read_package,
    say_failure,
    send_package,
    too_large,
)
from ...platforms.models import ScormAccount
from ...services import current_services
from ...web.pages import see_other, with_headers
from ..access import Rule, allow, not_found
from ..layout import show
from .pages import get_account_for, load_course, load_courses, may_replace

blueprint = Blueprint("courses", __name__, url_prefix="/console/courses")


def largest_form() -> int:
    """Return the size limit of an upload in bytes, its form included."""
    return current_services().settings.scorm_cloud.upload_megabytes * MEGABYTE + FORM_BYTES


@blueprint.get("")
@allow(Rule.SIGNED_IN)
def list_all(actor: Actor) -> Response:
    """The courses of an account, found by title or id."""
    account_id = request.args.get("account", type=int)
    search, trail = request.args.get("search", ""), request.args.get("trail", "")
    shown = load_courses(current_services(), actor, account_id, search, trail)
    return show("console/courses/list.html", shown=shown)


@blueprint.get("/<int:account_id>/one")
@allow(Rule.SIGNED_IN)
def one(actor: Actor, account_id: int) -> Response:
    """One course: what it is, and where it is used."""
    course_id = request.args.get("course_id", "")
    return show(
        "console/courses/course.html",
        shown=load_course(current_services(), actor, account_id, course_id),
    )


@blueprint.post("/<int:account_id>/preview")
@allow(Rule.SIGNED_IN)
def preview(actor: Actor, account_id: int) -> Response:
    """Open a course as learners see it, untracked, in a window of its own."""
    services = current_services()
    client = services.scorm_cloud(get_account_for(actor, account_id))
    done_url = f"{services.settings.public_url}{url_for('picker.end_preview')}"
    try:
        url = client.build_preview_link(
            request.form.get("course_id", ""),
            done_url,
            deadline_seconds=interactive_seconds(services),
        )
    except NotFound as error:
        raise not_found() from error
    return see_other(url)


@blueprint.get("/<int:account_id>/upload")
@allow(Rule.SIGNED_IN)
def ask(actor: Actor, account_id: int) -> Response:
    """The upload form: a package, and the id of its course."""
    return _show_form(get_account_for(actor, account_id))


@blueprint.post("/<int:account_id>/check")
@allow(Rule.SIGNED_IN)
def check(actor: Actor, account_id: int) -> Response:
    """Tell the page's script whether a course id is free, before the upload."""
    account = get_account_for(actor, account_id)
    return _json(
        *answer_check(
            current_services(), account, request.form.get("course_id", ""), may_replace(actor)
        )
    )


@blueprint.post("/<int:account_id>/upload")
@allow(Rule.SIGNED_IN, max_bytes=largest_form)
def send(actor: Actor, account_id: int) -> Response:
    """Receive a package and send it to SCORM Cloud; the page's script gets JSON."""
    account = get_account_for(actor, account_id)
    scripted = request.accept_mimetypes.best == "application/json"
    try:
        package = read_package(
            request,
            may_replace=may_replace(actor),
            sender=actor,
            platform_id=actor.scope.platform_id,
        )
        job_id, course_id = send_package(current_services(), account, package)
    except BridgeError as error:
        if isinstance(error, CourseExists) and scripted:
            return _json(describe_existing(error), 409)
        return _json({"error": say_failure(error)}, 400) if scripted else _show_form(account, error)
    address = url_for(
        "courses.show_import", account_id=account_id, job_id=job_id, course_id=course_id
    )
    if scripted:
        return _json({"address": address})
    return see_other(address)


@blueprint.get("/<int:account_id>/import")
@allow(Rule.SIGNED_IN)
def show_import(actor: Actor, account_id: int) -> Response:
    """Show the state of an import, and its course when it is complete."""
    account = get_account_for(actor, account_id)
    job_id, course_id = request.args.get("job_id", ""), request.args.get("course_id", "")
    trouble, found = "", None
    try:
        found = look_at_import(current_services(), account, job_id, course_id)
    except NotFound as error:
        raise not_found() from error
    except (Unavailable, Refused) as error:
        trouble = say_failure(error)
    return show(
        "console/courses/import.html",
        account=account,
        found=found,
        trouble=trouble,
        job_id=job_id,
        course_id=course_id,
    )


@blueprint.post("/<int:account_id>/import/status")
@allow(Rule.SIGNED_IN)
def import_status(actor: Actor, account_id: int) -> Response:
    """Return the state of an import for the page's script."""
    account = get_account_for(actor, account_id)
    job_id, course_id = request.form.get("job_id", ""), request.form.get("course_id", "")
    try:
        found = look_at_import(current_services(), account, job_id, course_id)
        return _json({"status": found.job.status})
    except Unavailable:
        return _json({"status": "RUNNING"})
    except BridgeError as error:
        return _json({"status": "ERROR", "error": say_failure(error)}, 400)


def _show_form(account: ScormAccount, problem: BridgeError | None = None) -> Response:
    limit = current_services().settings.scorm_cloud.upload_megabytes
    existing = problem if isinstance(problem, CourseExists) else None
    return show(
        "console/courses/upload.html",
        status=200 if problem is None else 409 if existing else 400,
        account=account,
        limit=limit,
        max_bytes=limit * MEGABYTE,
        too_large=too_large(limit),
        problem=say_failure(problem) if problem and not existing else "",
        existing=existing,
        course_id=existing.course.id if existing else request.values.get("course_id", ""),
    )


def _json(values: dict[str, Any], status: int = 200) -> Response:
    response = jsonify(values)
    response.status_code = status
    return with_headers(response)
