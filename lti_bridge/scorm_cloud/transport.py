"""HTTP calls to SCORM Cloud: authentication, retries, paging, and errors."""

import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import requests

from ..core.errors import BridgeError, NotFound, Refused, Unavailable
from ..core.http.session import Outbound
from .concurrency import CallSlots

FIRST_PAUSE_SECONDS = 0.25
LONGEST_EXPLANATION = 300
CREDENTIALS = "credentials"  # code of Refused for rejected credentials
# Called after each request with the outage it showed; None when SCORM Cloud served us.
Report = Callable[[BridgeError | None], None]


class Wire:
    """Sends the requests of one SCORM Cloud application, with HTTP Basic.

    At most `parallel_calls` are under way at once; the others wait within their deadline.
    """

    def __init__(
        self,
        base_url: str,
        app_id: str,
        secret_key: str,
        outbound: Outbound,
        *,
        deadline_seconds: float,
        parallel_calls: int,
        call_slots: CallSlots,
        report: Report | None = None,
    ) -> None:
        self._report = report or _ignore
        self._base = base_url.rstrip("/")
        # As bytes (UTF-8): requests would encode text as Latin-1.
        self._auth = (app_id.encode(), secret_key.encode())
        self._outbound = outbound
        self._deadline = deadline_seconds
        self._lines = threading.BoundedSemaphore(parallel_calls)
        self._call_slots = call_slots

    def call(
        self,
        method: str,
        path: str,
        *,
        deadline_seconds: float | None = None,
        repeat: bool = True,
        **options: Any,
    ) -> requests.Response:
        """Return a 2xx answer; raises Unavailable, NotFound or Refused.

        `repeat` allows retries with back-off within the deadline, for idempotent calls. `options`
        go to requests. Raises Busy, which is Unavailable, when no thread of this process may wait.
        """
        with self._call_slots.take():
            return self._call(method, path, deadline_seconds, repeat, options)

    def _call(
        self,
        method: str,
        path: str,
        deadline_seconds: float | None,
        repeat: bool,
        options: dict[str, Any],
    ) -> requests.Response:
        ends = time.monotonic() + (deadline_seconds or self._deadline)
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                return self._try(method, path, ends, **options)
            except Unavailable as error:
                wait = max(error.retry_after or 0.0, pause * random.uniform(0.5, 1.0))
                if not repeat or time.monotonic() + wait + FIRST_PAUSE_SECONDS > ends:
                    raise
            time.sleep(wait)
            pause *= 2

    def pages(
        self, path: str, params: Mapping[str, str], *, deadline_seconds: float | None = None
    ) -> Iterator[requests.Response]:
        """Yield every page of a list; the deadline is per page."""
        answer = self.call("GET", path, params=dict(params), deadline_seconds=deadline_seconds)
        while True:
            yield answer
            more = read_json(answer).get("more")
            if not more:
                return
            # The token includes the first call's filters and must be sent alone.
            params = {"more": str(more)}
            answer = self.call("GET", path, params=params, deadline_seconds=deadline_seconds)

    def _try(self, method: str, path: str, ends: float, **options: Any) -> requests.Response:
        if not self._lines.acquire(timeout=max(0.0, ends - time.monotonic())):
            raise Unavailable("too many calls to this SCORM Cloud account are under way")
        try:
            left = ends - time.monotonic()
            if left <= 0:  # after a long wait, or a process that was stopped
                raise Unavailable("there was no time left to call SCORM Cloud")
            answer = self._outbound.send(
                method, self._base + path, auth=self._auth, deadline_seconds=left, **options
            )
        except BridgeError as error:
            self._report(error)
            raise
        finally:
            self._lines.release()
        failure = None if answer.status_code < 300 else _failure(answer)
        self._report(failure if failure is not None and _stops_all(failure) else None)
        if failure is not None:
            raise failure
        return answer


def _ignore(_failure: BridgeError | None) -> None:
    """Report nothing."""


def _stops_all(error: BridgeError) -> bool:
    """Tell whether a failure concerns every call, and not this request only."""
    return isinstance(error, Unavailable) or (
        isinstance(error, Refused) and error.code == CREDENTIALS
    )


def path_to(prefix: str, *parts: str) -> str:
    """Join a path from percent-encoded parts; slashes are encoded too.

    Raises NotFound for an empty part and for dots, which would lead to another endpoint.
    """
    if any(part in ("", ".", "..") for part in parts):
        raise NotFound("SCORM Cloud has no such id", status=404, code="not_found")
    return "/".join([prefix, *(quote(part, safe="") for part in parts)])


def read_json(answer: requests.Response) -> dict[str, Any]:
    """Return a reply's JSON object; raises Unavailable when it is something else."""
    try:
        value = json.loads(answer.content)  # bytes, so that a byte order mark is allowed
    except (ValueError, RecursionError) as error:
        raise Unavailable("SCORM Cloud answered with something that is not JSON") from error
    if not isinstance(value, dict):
        raise Unavailable("SCORM Cloud answered with an unexpected shape")
    return value


def read_list(answer: requests.Response, key: str) -> list[dict[str, Any]]:
    """Return the objects under `key`; an absent list is an empty one."""
    entries = read_json(answer).get(key)
    return [e for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []


def server_time(answer: requests.Response) -> datetime | None:
    """Return the server's time of a reply (Date header), None without one."""
    return _http_date(answer.headers.get("Date", ""))


def _failure(answer: requests.Response) -> BridgeError:
    """Return the error for a status of 300 and up; its text is for people only."""
    status = answer.status_code
    if status == 429 or status >= 500:
        return Unavailable(
            f"SCORM Cloud answered {status}",
            retry_after=_retry_after(answer),
            effect_unknown=status != 429,
        )
    said = _explanation(answer)
    if status == 404:
        message = "SCORM Cloud does not have it"
        return NotFound(message, status=status, code="not_found", explanation=said)
    if status in (401, 403):
        message = "SCORM Cloud does not accept the app id and secret key"
        return Refused(message, status=status, code=CREDENTIALS, explanation=said)
    if status == 409:
        message = "SCORM Cloud has it already"
        return Refused(message, status=status, code="already_exists", explanation=said)
    if status == 413:
        message = "SCORM Cloud, or a server on the way to it, takes no request of this size (413)"
        return Refused(message, status=status, code="too_large", explanation=said)
    message = f"SCORM Cloud refused ({status})"
    return Refused(message, status=status, code="bad_request", explanation=said)


def _explanation(answer: requests.Response) -> str:
    """Return SCORM Cloud's error text as one short line.

    The specification names the field `message`, observed replies `error`
    (https://cloud.scorm.com/docs/v2/reference/swagger/).
    """
    try:
        body = json.loads(answer.content)
    except (ValueError, RecursionError):
        body = None
    # The HTML page of a proxy is left out.
    said: Any = "" if answer.content.lstrip().startswith(b"<") else answer.text
    if isinstance(body, dict):
        said = body.get("message") or body.get("error") or ""
    return " ".join(str(said).split())[:LONGEST_EXPLANATION]


def _retry_after(answer: requests.Response) -> float | None:
    """Return Retry-After in seconds; RFC 9110 allows a number or a date."""
    value = answer.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    # Compared with the server's clock, from which ours may differ.
    until, answered = _http_date(value), server_time(answer)
    if until is None or answered is None:
        return None
    return max(0.0, (until - answered).total_seconds())


def _http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
