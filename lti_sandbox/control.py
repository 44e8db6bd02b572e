"""Control of a practice server: recorded requests, and faults on its service endpoints."""

import ipaddress
import json
import math
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from lti_sandbox.faults import BadFaults, Faults

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["BadFaults", "Control", "Faults"]


class Control:
    """Counts requests, applies faults and serves `/control/...` on one practice server.

    `service_prefixes` are the paths that faults touch, such as `("/api/v2",)`. Install it before
    any other WSGI wrapper, so that it sees paths as the app's routes spell them.
    """

    def __init__(self, app: Flask, service_prefixes: tuple[str, ...]) -> None:
        self.app = app
        self.service_prefixes = service_prefixes
        self.faults = Faults()
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._chance = random.Random()
        self._inner: WSGIApplication = app.wsgi_app
        vars(app)["wsgi_app"] = self.middleware  # Flask documents this attribute as replaceable.
        app.add_url_rule("/control/requests", "control_requests", self._view_requests)
        app.add_url_rule(
            "/control/requests", "control_forget", self._view_forget, methods=["DELETE"]
        )
        app.add_url_rule("/control/faults", "control_faults", self._view_faults)
        app.add_url_rule(
            "/control/faults", "control_set_faults", self._view_set_faults, methods=["PUT"]
        )

    def happens(self, rate: float) -> bool:
        """Say whether a fault of this probability happens now."""
        return rate > 0 and self._chance.random() < rate

    def requests(self) -> dict[str, int]:
        """Return how often each endpoint was asked, by its name."""
        with self._lock:
            return dict(sorted(self._counts.items()))

    def middleware(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer one request, with the current faults."""
        path = environ.get("PATH_INFO", "")
        if path == "/control" or path.startswith("/control/"):
            if not _from_loopback(environ.get("REMOTE_ADDR", "")):
                return _refuse_stranger(environ, start_response)
            return self._inner(environ, start_response)
        self._count(environ)
        if not self._is_service(path):
            return self._inner(environ, start_response)
        return self._with_faults(environ, start_response)

    def endpoint_name(self, environ: "WSGIEnvironment") -> str | None:
        """Name the endpoint that a request is for, such as `GET /registrations/{id}`.

        None when no route of the app matches.
        """
        try:
            rule, _ = self.app.url_map.bind_to_environ(environ).match(return_rule=True)
        except HTTPException:
            return None
        path = re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule)
        for prefix in self.service_prefixes:
            if path.startswith(prefix + "/"):
                path = path.removeprefix(prefix)
        return f"{environ['REQUEST_METHOD']} {path}"

    def _count(self, environ: "WSGIEnvironment") -> None:
        name = self.endpoint_name(environ) or f"{environ['REQUEST_METHOD']} (unknown)"
        with self._lock:
            self._counts[name] += 1

    def _is_service(self, path: str) -> bool:
        return any(
            path == prefix or path.startswith(prefix.rstrip("/") + "/")
            for prefix in self.service_prefixes
        )

    def _with_faults(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        faults = self.faults
        if faults.latency_ms:
            time.sleep(faults.latency_ms / 1000)
        if faults.error_status and self.happens(faults.error_rate):
            return _fault_answer(faults)(environ, start_response)
        if not self.happens(faults.drop_connection_rate):
            return self._inner(environ, start_response)
        _run_to_the_end(self._inner, environ)
        raise ConnectionResetError("practice fault: the answer is lost, its effect is not")

    def _view_requests(self) -> Response:
        return jsonify(self.requests())

    def _view_forget(self) -> tuple[str, int]:
        with self._lock:
            self._counts.clear()
        return "", 204

    def _view_faults(self) -> Response:
        return jsonify(self.faults.changed())

    def _view_set_faults(self) -> tuple[Response, int]:
        try:
            self.faults = Faults.parse(json.loads(request.get_data() or b"null"))
        except BadFaults as problem:
            return jsonify(error=str(problem)), 400
        except ValueError:
            return jsonify(error="The body is not JSON."), 400
        return jsonify(self.faults.changed()), 200


def _from_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.split("%")[0]).is_loopback
    except ValueError:
        return False


def _refuse_stranger(
    environ: "WSGIEnvironment", start_response: "StartResponse"
) -> Iterable[bytes]:
    answer = _json_answer(403, {"error": "Control answers to this machine only."})
    return answer(environ, start_response)


def _fault_answer(faults: Faults) -> Response:
    sentence = f"Practice fault: this server was told to answer {faults.error_status}."
    answer = _json_answer(faults.error_status, {faults.error_key: sentence})
    if faults.retry_after is not None:
        answer.headers["Retry-After"] = str(math.ceil(faults.retry_after))
    return answer


def _json_answer(status: int, body: dict[str, str]) -> Response:
    return Response(json.dumps(body), status, mimetype="application/json")


def _run_to_the_end(inner: "WSGIApplication", environ: "WSGIEnvironment") -> None:
    def swallow(*_: object) -> Callable[[bytes], object]:
        return lambda _: None

    answer = inner(environ, swallow)
    try:
        for _ in answer:
            pass
    finally:
        close = getattr(answer, "close", None)
        if close is not None:
            close()
