"""HTTP without sockets: the bridge's outbound session calls practice servers in this process."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import requests
from flask import Flask
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

# Told "call" and the address before a request is carried out, and "answer" before its answer is
# handed over.
Watch = Callable[[str, str], None]


class InProcess(HTTPAdapter):
    """Carries requests to one app; `watch` may raise in their place."""

    def __init__(self, app: Flask, watch: Watch) -> None:
        super().__init__()
        self._app = app
        self._watch = watch

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        self._watch("call", str(request.url))
        answer = self._app.test_client().open(
            request.url,
            method=request.method,
            headers=list(request.headers.items()),
            data=request.body,
        )
        self._watch("answer", str(request.url))
        raw = HTTPResponse(
            body=BytesIO(answer.data),
            headers=dict(answer.headers),
            status=answer.status_code,
            reason=answer.status.partition(" ")[2],
            preload_content=False,
            request_method=request.method,  # an answer to HEAD announces a body and has none
        )
        return self.build_response(request, raw)


class Jobs:
    """A queue in memory: what was enqueued, to be run, kept or lost as a test says."""

    def __init__(self) -> None:
        self.waiting: list[int] = []

    def register(self, name: str, task: Callable[[int], None]) -> None:
        """Take the place of a queue that runs tasks: here a test runs them."""

    def enqueue(self, name: str, item_id: int) -> None:
        self.waiting.append(item_id)

    def enqueue_later(self, name: str, item_id: int, delay_seconds: float) -> None:
        """Forget it, as a process does that ends: the row's own time brings the work back."""

    def ping(self) -> None:
        """Answer: it is always there."""

    def size(self) -> int:
        return len(self.waiting)

    def close(self) -> None:
        self.waiting.clear()


class Mailbox:
    """Takes what SCORM Cloud announces, to be delivered when and as often as a test says."""

    def __init__(self) -> None:
        self.letters: list[tuple[dict[str, Any], dict[str, Any]]] = []

    def queue(self, target: dict[str, Any], body: dict[str, Any], delay_seconds: float = 0) -> None:
        self.letters.append((target, body))

    def stop(self) -> None:
        self.letters.clear()
