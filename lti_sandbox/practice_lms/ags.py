"""Assignment and Grade Services as Moodle 4.5 and Canvas answer them, refusals included."""

import json
import math
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from lti_sandbox.practice_lms.addresses import line_item_url, origin
from lti_sandbox.practice_lms.canvas_scores import CanvasRules
from lti_sandbox.practice_lms.current import current_lms
from lti_sandbox.practice_lms.moodle_scores import MoodleRules
from lti_sandbox.practice_lms.results import canvas_results, moodle_results
from lti_sandbox.practice_lms.scores import Answer
from lti_sandbox.practice_lms.service_guard import calling_client, refusal, requires_scope
from lti_sandbox.practice_lms.state import LineItem, LmsState

canvas = Blueprint("ags", __name__, url_prefix="/api/lti/courses/<course>")
moodle = Blueprint("ags", __name__, url_prefix="/mod/lti/services.php/<course>")

CANVAS_PAGE, CANVAS_MOST = 10, 100
CANVAS_ITEMS, CANVAS_ITEM = "/line_items", "/line_items/<item_id>"
MOODLE_ITEMS, MOODLE_ITEM = "/lineitems", "/lineitems/<item_id>/lineitem"
SCORE_TYPE = "application/vnd.ims.lis.v1.score+json"
ITEM_TYPE = "application/vnd.ims.lis.v2.lineitem+json"
ITEMS_TYPE = "application/vnd.ims.lis.v2.lineitemcontainer+json"
RESULTS_TYPE = "application/vnd.ims.lis.v2.resultcontainer+json"


@canvas.get(CANVAS_ITEMS)
@moodle.get(MOODLE_ITEMS)
@requires_scope("lineitem.readonly")
def list_items(course: str) -> Response:
    """List the tool's line items, filtered as asked."""
    state = current_lms()
    wrong = _wrong_accept(state, ITEMS_TYPE)
    if wrong is not None:
        return wrong
    client = calling_client(state)
    args = request.args
    found = [
        _show(state, item)
        for item in state.line_items.values()
        if item.client_id == client
        and args.get("resource_link_id", item.activity_id) == item.activity_id
        and args.get("resource_id", item.resource_id) == item.resource_id
        and args.get("tag", item.tag) == item.tag
    ]
    return Response(json.dumps(found), content_type=ITEMS_TYPE)


@canvas.post(CANVAS_ITEMS)
@moodle.post(MOODLE_ITEMS)
@requires_scope("lineitem")
def create_item(course: str) -> Response:
    """Make a line item for the tool."""
    state = current_lms()
    if (request.content_type or "").partition(";")[0].strip() != ITEM_TYPE:
        return refusal(state, 400, "The content type is not a line item's")
    body = request.get_json(force=True, silent=True) or {}
    if not body.get("label") or body.get("scoreMaximum") is None:
        return refusal(state, 400, "label and scoreMaximum are required")
    link = body.get("resourceLinkId")
    if link is not None and link not in state.activities:
        return refusal(state, 403 if state.dialect == "moodle" else 404, "No such resource link")
    client = calling_client(state)
    item = LineItem(
        state.next_id(),
        str(body["label"]),
        float(body["scoreMaximum"]),
        client,
        link,
        by_tool=True,
        tag=str(body.get("tag", "")),
        resource_id=str(body.get("resourceId", "")),
    )
    state.line_items[item.id] = item
    shown = {**body, "id": line_item_url(state, item)}
    return Response(json.dumps(shown), 201, content_type=ITEM_TYPE)


@canvas.get(CANVAS_ITEM)
@moodle.get(MOODLE_ITEM)
@requires_scope("lineitem.readonly")
def get_item(course: str, item_id: str) -> Response:
    """Show one line item."""
    state = current_lms()
    wrong = _wrong_accept(state, ITEM_TYPE)
    if wrong is not None:
        return wrong
    item = _find(state, item_id)
    if isinstance(item, Response):
        return item
    return Response(json.dumps(_show(state, item)), content_type=ITEM_TYPE)


@canvas.post(CANVAS_ITEM + "/scores")
@moodle.post(MOODLE_ITEM + "/scores")
@requires_scope("score")
def post_score(course: str, item_id: str) -> Response:
    """Accept or refuse a score, and record the POST with its answer."""
    state = current_lms()
    raw = request.get_data()
    record: dict[str, Any] = {
        "at": datetime.fromtimestamp(state.now(), UTC).isoformat(),
        "line_item": item_id,
        "body": raw.decode("utf-8", "replace"),
    }
    answer = _score_answer(state, item_id, raw)
    record["status"] = answer.status_code
    record["answer"] = answer.get_data(as_text=True)
    state.score_posts.append(record)
    return answer


@canvas.get(CANVAS_ITEM + "/results")
@moodle.get(MOODLE_ITEM + "/results")
@requires_scope("result.readonly")
def results(course: str, item_id: str) -> Response:
    """List the grades of a line item."""
    state = current_lms()
    item = _find(state, item_id)
    if isinstance(item, Response):
        return item
    if state.dialect == "moodle" and "limit" in request.args:
        return Response("<html>404</html>", 404)
    url = line_item_url(state, item)
    if state.dialect == "canvas":
        return _page(canvas_results(state, item, url, request.args))
    found = moodle_results(state, item, url, request.args)
    return Response(json.dumps(found), content_type=RESULTS_TYPE)


def _page(found: list[dict[str, Any]]) -> Response:
    """Return one page of a list: Canvas gives 10 entries at a time, up to 100 when asked."""
    asked, page = request.args.get("limit", ""), request.args.get("page", "")
    size = min(int(asked), CANVAS_MOST) if asked.isdigit() and int(asked) else CANVAS_PAGE
    start = (int(page) - 1) * size if page.isdigit() and int(page) else 0
    headers = {}
    if start + size < len(found):
        others = {key: value for key, value in request.args.items() if key != "page"}
        query = urlencode({**others, "page": start // size + 2})
        headers["Link"] = f'<{origin()}{request.path}?{query}>; rel="next"'
    body = json.dumps(found[start : start + size])
    return Response(body, headers=headers, content_type=RESULTS_TYPE)


def _foreign(state: LmsState, item: LineItem) -> bool:
    return calling_client(state) != item.client_id


def _missing(state: LmsState, item_id: str) -> Response:
    if state.dialect == "canvas":
        return Response("", 404)  # Canvas's answer for a deleted assignment
    text = f"Not Found: Grade item {item_id} doesn't exist"
    return refusal(state, 404, text)


def _find(state: LmsState, item_id: str) -> LineItem | Response:
    item = state.line_items.get(item_id)
    if item is None:
        return _missing(state, item_id)
    if _foreign(state, item):
        if state.dialect == "moodle":
            return refusal(state, 403, "Not allowed in context")
        return refusal(state, 412, "Tool does not have permission to view line_item")
    return item


def _show(state: LmsState, item: LineItem) -> dict[str, Any]:
    shown = {"id": line_item_url(state, item), "label": item.label, "scoreMaximum": item.maximum}
    if item.activity_id:
        shown["resourceLinkId"] = item.activity_id
    if state.dialect == "moodle" or item.tag:
        shown["tag"] = item.tag
    if state.dialect == "moodle" or item.resource_id:
        shown["resourceId"] = item.resource_id
    return shown


def _wrong_accept(state: LmsState, wanted: str) -> Response | None:
    if state.dialect == "moodle" and wanted not in request.headers.get("Accept", ""):
        return refusal(state, 400, "No handler found for the request")
    return None


def _score_answer(state: LmsState, item_id: str, raw: bytes) -> Response:
    if (request.content_type or "").partition(";")[0].strip() != SCORE_TYPE:
        return refusal(state, 400, "The content type is not a score's")
    item = _find(state, item_id)
    if isinstance(item, Response):
        return item
    try:
        score = json.loads(raw, parse_constant=lambda _: math.nan)
    except ValueError:
        score = None
    if not isinstance(score, dict):
        score = {}
    if state.dialect == "moodle" and not str(score.get("userId", "0")).isdigit():
        # Moodle sets status 0, which its web server turns into this.
        return Response("<html><head><title>502 Bad Gateway</title></head></html>", 502)
    url = line_item_url(state, item)
    rules = MoodleRules(state) if state.dialect == "moodle" else CanvasRules(state, url)
    outcome: Answer = rules.take(item, score, raw.decode("utf-8", "replace"), state.now())
    status = f"{outcome.status} {_one_line(outcome.reason)}" if outcome.reason else outcome.status
    if isinstance(outcome.body, str):
        return Response(outcome.body, status)
    return Response(json.dumps(outcome.body), status, content_type="application/json")


def _one_line(text: str) -> str:
    """Return text that may stand in a status line."""
    return "".join(c if " " <= c <= "~" else "?" for c in text)
