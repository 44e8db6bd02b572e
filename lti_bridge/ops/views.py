"""Operations over HTTP: /healthz (alive), /readyz (can serve) and /metrics (Prometheus)."""

from typing import Any, cast

from flask import Blueprint, Flask, Response, current_app, request
from prometheus_client import CONTENT_TYPE_LATEST

from ..services import current_services
from .counts import Counts
from .health import ScormCloudWatch, check_readiness
from .metrics import COUNTS, exposition
from .scraping import decide_refusal

blueprint = Blueprint("ops", __name__)
WATCH = "lti_bridge_scorm_cloud_watch"


@blueprint.get("/healthz")
def healthz() -> tuple[dict[str, str], dict[str, str]]:
    """Answer 200 without any check: a dead database is no reason to restart the process."""
    return {"status": "ok"}, {"Cache-Control": "no-store"}


@blueprint.get("/readyz")
def readyz() -> tuple[dict[str, Any], int, dict[str, str]]:
    """Answer 200 when every required check passes, else 503, with a line for each."""
    checks = check_readiness(current_services(), _watch())
    failed = any(check.failed for check in checks)
    body = {
        "status": "not ready" if failed else "ok",
        "checks": {check.name: check.text for check in checks},
    }
    return body, 503 if failed else 200, {"Cache-Control": "no-store"}


@blueprint.get("/metrics")
def metrics() -> Response:
    """Return the node's metrics, and the gauges of the whole bridge, for Prometheus."""
    services = current_services()
    refusal = decide_refusal(services.settings.ops.metrics_token, request)
    if refusal is not None:
        response = Response(*refusal, content_type="text/plain; charset=utf-8")
        response.headers["WWW-Authenticate"] = 'Bearer realm="metrics"'
    else:
        counts = cast(Counts, current_app.extensions[COUNTS])
        response = Response(exposition(services, counts), content_type=CONTENT_TYPE_LATEST)
    response.headers["Cache-Control"] = "no-store"
    return response


def _watch() -> ScormCloudWatch:
    app = cast(Flask, cast(Any, current_app)._get_current_object())
    made = app.extensions.setdefault(WATCH, ScormCloudWatch(app, current_services()))
    return cast(ScormCloudWatch, made)
