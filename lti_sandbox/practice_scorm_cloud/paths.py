"""Paths as the real service accepts them: doubled slashes, and percent-encoded ids."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from werkzeug.routing import UnicodeConverter

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

API = "/api/v2"


class IdConverter(UnicodeConverter):
    """One path segment, decoded; `%2F` is a slash inside it."""

    def to_python(self, value: str) -> str:
        return unquote(value)

    def to_url(self, value: object) -> str:
        return quote(quote(str(value), safe=""), safe="")


class ApiPaths:
    """WSGI wrapper: gives the API's routes percent-encoded segments and single slashes.

    WSGI decodes `%2F` before routing, so an id with a slash would become two segments; the
    official client also sends `/api/v2//ping` under its default host.
    """

    def __init__(self, inner: "WSGIApplication") -> None:
        self.inner = inner

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        raw = str(environ.get("RAW_URI") or environ.get("REQUEST_URI") or environ["PATH_INFO"])
        path = re.sub(r"^https?://[^/]*", "", raw).partition("?")[0]
        path = re.sub(r"/{2,}", "/", path)
        if path == API or path.startswith((API + "/", "/control/registrations/")):
            segments = (quote(unquote(segment), safe="") for segment in path.split("/"))
            environ["PATH_INFO"] = "/".join(segments).rstrip("/")
        return self.inner(environ, start_response)
