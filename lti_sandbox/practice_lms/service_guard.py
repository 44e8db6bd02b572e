"""Authorization of service calls, and each dialect's refusals."""

import json
import time
from collections.abc import Callable
from functools import partial, wraps
from http import HTTPStatus
from typing import Any, ParamSpec

from flask import Response, request

from lti_sandbox.practice_lms.bucket import Bucket
from lti_sandbox.practice_lms.current import current_lms
from lti_sandbox.practice_lms.scopes import AGS
from lti_sandbox.practice_lms.state import LmsState

P = ParamSpec("P")

CONCLUDED = "This course has concluded. AGS requests will no longer be accepted for this course."


def requires_scope(name: str) -> Callable[[Callable[P, Response]], Callable[P, Response]]:
    """Let a view answer, under the LMS's lock, only calls whose token has this AGS scope."""

    def guard(view: Callable[P, Response]) -> Callable[P, Response]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> Response:
            state = current_lms()
            answer = _answer_as_moodle if state.dialect == "moodle" else _answer_as_canvas
            return answer(state, f"{AGS}scope/{name}", partial(view, *args, **kwargs))

        return guarded

    return guard


def _answer_as_moodle(state: LmsState, scope: str, view: Callable[[], Response]) -> Response:
    if not request.args.get("type_id", "1").isdigit():  # something was put after the query
        return refusal(state, 400, "No handler found for the request")
    status = token_problem(state, scope)
    if status is not None:
        return refusal(state, status, "Unauthorized")
    with state.lock:
        return view()


def _answer_as_canvas(state: LmsState, scope: str, view: Callable[[], Response]) -> Response:
    if not request.headers.get("User-Agent"):
        return Response("<html><body>403 Forbidden</body></html>", 403)
    status = token_problem(state, scope)
    if status is not None:
        return refusal(state, status, "Unauthorized")
    bucket = state.bucket(calling_client(state))
    if state.throttle or not bucket.enter(time.monotonic()):
        headers = {"X-Rate-Limit-Remaining": "0.0"}
        return Response("403 Forbidden (Rate Limit Exceeded)", 403, headers)
    try:
        with state.lock:
            concluded = _concluded(state)
            answer = view() if concluded is None else concluded
    finally:
        remaining = bucket.leave(time.monotonic())
    answer.headers["X-Rate-Limit-Remaining"] = f"{remaining:.1f}"
    answer.headers["X-Request-Cost"] = str(Bucket.COST)
    return answer


def _concluded(state: LmsState) -> Response | None:
    """A concluded course refuses reads too; older versions do not find it at all."""
    if not state.concluded:
        return None
    if state.older_canvas:
        return refusal(state, 404, "Context not found")
    return refusal(state, 422, CONCLUDED)


def token_problem(state: LmsState, scope: str) -> int | None:
    """Return the status for a missing, expired, foreign or too narrow token, else None."""
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    known = state.tokens.get(text) if kind == "Bearer" else None
    if known is None or known[1] <= state.now():
        return 401
    wanted = {scope, scope.removesuffix(".readonly")}
    if not wanted & known[2]:
        # Moodle answers 401 to a missing scope as well.
        return 401 if state.dialect == "moodle" else 403
    return None


def calling_client(state: LmsState) -> str:
    """Return the client id of the tool whose token this request bears."""
    return state.tokens[request.headers.get("Authorization", "").partition(" ")[2]][0]


def refusal(state: LmsState, status: int, reason: str) -> Response:
    """Return a refusal in the dialect's shape."""
    if state.dialect == "moodle":
        body: Any = {"status": status, "reason": reason, "request": {"url": request.path}}
    else:
        kind = HTTPStatus(status).name.lower()
        body = {"errors": {"type": kind, "message": reason}}
    return Response(json.dumps(body), status, content_type="application/json")
