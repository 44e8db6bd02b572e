"""The Flask app of the practice SCORM Cloud."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from lti_sandbox.control import Control
from lti_sandbox.player import views as player
from lti_sandbox.practice_scorm_cloud import (
    auth,
    control_views,
    course_views,
    imports,
    landing,
    other_views,
    registration_views,
)
from lti_sandbox.practice_scorm_cloud.cloud import Cloud, current_cloud, install
from lti_sandbox.practice_scorm_cloud.content import Content
from lti_sandbox.practice_scorm_cloud.errors import ApiError
from lti_sandbox.practice_scorm_cloud.older import upgrade
from lti_sandbox.practice_scorm_cloud.paths import API, ApiPaths, IdConverter
from lti_sandbox.practice_scorm_cloud.postbacks import Postbacks
from lti_sandbox.practice_scorm_cloud.store import Store
from lti_sandbox.practice_scorm_cloud.times import now
from lti_sandbox.server import on_stop


def create_practice_scorm_cloud(
    *,
    app_id: str = "practice",
    secret_key: str = "practice",
    data_dir: Path | None = None,
    page_size: int = 10,
    postback_retry_seconds: float = 1.0,
    import_seconds: float = 0.3,
    allow_delete: bool = True,
    now: Callable[[], datetime] = now,
) -> Flask:
    """Return a practice SCORM Cloud with one application.

    Its state lives in memory, or in `data_dir` where it survives a restart. Postbacks are tried
    again after `postback_retry_seconds`, doubling; an import takes at least `import_seconds`.
    `now` is its clock. Raises OSError when `data_dir` cannot be made.
    """
    app = Flask("lti_sandbox.practice_scorm_cloud")
    app.config["MAX_CONTENT_LENGTH"] = 600 * 1024 * 1024
    app.url_map.converters["seg"] = IdConverter
    app.url_map.merge_slashes = False
    control = Control(app, (API,))
    vars(app)["wsgi_app"] = ApiPaths(app.wsgi_app)
    postbacks = Postbacks(postback_retry_seconds)
    store = Store(data_dir)
    upgrade(store)
    cloud = Cloud(
        store=store,
        content=Content(store, data_dir),
        control=control,
        postbacks=postbacks,
        app_id=app_id,
        secret_key=secret_key,
        page_size=page_size,
        import_seconds=import_seconds,
        allow_delete=allow_delete,
        now=now,
    )
    imports.end_interrupted(cloud)
    install(app, cloud)
    on_stop(app, cloud.stop)
    for module in (auth, registration_views, course_views, other_views):
        app.register_blueprint(module.views, url_prefix=API)
    for blueprint in (control_views.views, player.views, landing.views):
        app.register_blueprint(blueprint)
    app.before_request(_guard)
    app.register_error_handler(ApiError, _answer_api_error)
    app.register_error_handler(HTTPException, _answer_http_error)
    return app


def _is_api() -> bool:
    return request.path == API or request.path.startswith(API + "/")


def _guard() -> None:
    if not _is_api():
        return
    auth.require_credentials()
    cloud = current_cloud()
    off = cloud.control.faults.deletes_off or not cloud.allow_delete
    if request.method == "DELETE" and off:
        raise ApiError(403, "Deleting is switched off for this application.")


def _answer_api_error(problem: ApiError) -> tuple[Response, int]:
    key = current_cloud().control.faults.error_key if _is_api() else "error"
    return jsonify({key: problem.sentence}), problem.status


def _answer_http_error(problem: HTTPException) -> Response | HTTPException | tuple[Response, int]:
    if not request.path.startswith((API, "/control")):
        return problem
    key = current_cloud().control.faults.error_key
    return jsonify({key: problem.description or "Not found."}), problem.code or 500
