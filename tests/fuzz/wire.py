"""Requests straight into the WSGI app: fast, and free to be as malformed as a socket allows."""

import io
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from flask import Flask


@dataclass
class Request:
    """One request; `form` or `body`, and everything else as it would come over the wire."""

    method: str
    path: str
    query: str = ""
    form: list[tuple[str, str]] | None = None
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def environ(self) -> dict[str, Any]:
        body = self.body
        headers = {"host": "bridge.example", **{k.lower(): v for k, v in self.headers.items()}}
        if self.form is not None:
            body = urlencode(self.form, errors="replace").encode()
            headers.setdefault("content-type", "application/x-www-form-urlencoded")
        headers.setdefault("content-length", str(len(body)))
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": self.path.encode("utf-8", "replace").decode("latin-1"),
            "QUERY_STRING": self.query,
            "SERVER_NAME": "bridge.example",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "192.0.2.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in headers.items():
            key = name.upper().replace("-", "_")
            plain = key in ("CONTENT_TYPE", "CONTENT_LENGTH")
            text = value.encode("utf-8", "replace").decode("latin-1")
            environ[key if plain else f"HTTP_{key}"] = text
        return environ


@dataclass(frozen=True)
class Response:
    """What came back."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        return next((v for k, v in self.headers if k.lower() == name.lower()), "")

    def cookies(self) -> dict[str, str]:
        set_cookies = [v for k, v in self.headers if k.lower() == "set-cookie"]
        pairs = [cookie.split(";", 1)[0].partition("=") for cookie in set_cookies]
        return {name: value for name, _, value in pairs if value}


def call(app: Flask, request: Request) -> Response:
    """Send a request through the whole app and return its answer."""
    seen: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
        seen[:] = [int(status.split(" ", 1)[0]), headers]
        return lambda _: None

    answer = app.wsgi_app(request.environ(), start_response)
    try:
        body = b"".join(answer)
    finally:
        close = getattr(answer, "close", None)
        if close is not None:
            close()
    return Response(seen[0], seen[1], body)


def query_of(values: dict[str, str]) -> str:
    """Return a query string."""
    return urlencode(values, errors="replace", quote_via=quote)
