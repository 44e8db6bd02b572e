"""A practice SCORM Cloud on loopback, watched and disturbed one request at a time."""

import io
import json
import threading
import zipfile
from collections.abc import Callable, Iterable
from typing import Any

from lti_bridge.core.http.session import Outbound
from lti_bridge.scorm_cloud.client import ScormCloudClient
from lti_sandbox.practice_scorm_cloud import create_practice_scorm_cloud
from lti_sandbox.practice_scorm_cloud.imports import Wanted, import_now
from lti_sandbox.server import RunningServer, serve

MANIFEST = """<manifest identifier="m" xmlns="http://www.imsproject.org/xsd/imscp_rootv1p1p2"
  xmlns:adlcp="http://www.adlnet.org/xsd/adlcp_rootv1p2">
  <metadata><schemaversion>1.2</schemaversion></metadata>
  <organizations default="o"><organization identifier="o"><title>{title}</title>
    <item identifier="i" identifierref="r"><title>{title}</title></item></organization>
  </organizations>
  <resources><resource identifier="r" type="webcontent" adlcp:scormtype="sco" href="index.html"/>
  </resources>
</manifest>"""

# A disturbance gets the method, the path below the API, and a function that carries the request
# out. It raises Answer or LoseAnswer, or returns to leave the request alone.
CarryOn = Callable[[], Iterable[bytes]]


def package(title: str = "Golf", *, filler_bytes: int = 0) -> io.BytesIO:
    """Return a SCORM 1.2 zip with one page and, stored unpacked, so many bytes of filler."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("imsmanifest.xml", MANIFEST.format(title=title))
        archive.writestr("index.html", "<p>Hello</p>")
        if filler_bytes:
            archive.writestr("filler.bin", b"x" * filler_bytes)
    body.seek(0)
    return body


class Answer(Exception):
    """Raised by a disturbance: answer this status and body instead."""

    def __init__(self, status: str, body: object = None, **headers: str) -> None:
        super().__init__(status)
        self.status = status
        self.body = b"" if body is None else json.dumps(body).encode()
        self.headers = [("Content-Type", "application/json"), *headers.items()]


class LoseAnswer(Exception):
    """Raised by a disturbance: close the connection without an answer."""


def _read(answer: Any) -> list[bytes]:
    """Return the whole body of a WSGI answer, and close it: it may be a file."""
    try:
        return list(answer)
    finally:
        if hasattr(answer, "close"):
            answer.close()


class PracticeCloud:
    """One running practice SCORM Cloud, what was asked of it, and what happens to requests."""

    def __init__(self, **options: Any) -> None:
        self._idle, self._under_way = threading.Condition(), 0
        self.app = create_practice_scorm_cloud(import_seconds=0, **options)
        self.asked: list[str] = []
        self.disturb: Callable[[str, str, CarryOn], None] = lambda method, path, carry_on: None
        self._inner = self.app.wsgi_app
        vars(self.app)["wsgi_app"] = self._watch
        self.server: RunningServer = serve(self.app)
        self.base_url = self.server.url + "/api/v2"
        self._outbound = Outbound(allow_private_networks=True)
        self.client = self.make_client()

    def make_client(self, app_id: str = "practice", **options: Any) -> ScormCloudClient:
        return ScormCloudClient(self.base_url, app_id, "practice", self._outbound, **options)

    def _watch(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"].removeprefix("/api/v2").replace("//", "/")
        method = environ["REQUEST_METHOD"]

        def carry_on() -> Iterable[bytes]:
            return _read(self._inner(environ, lambda *arguments: lambda _: None))

        with self._idle:
            self._under_way += 1
        try:
            return self._answer(method, path, environ, start_response, carry_on)
        finally:
            with self._idle:
                self._under_way -= 1
                self._idle.notify_all()

    def _answer(
        self, method: str, path: str, environ: Any, start_response: Any, carry_on: CarryOn
    ) -> Iterable[bytes]:
        if not path.startswith("/control"):
            kind = path.rpartition("/")[2] if method == "POST" else "registrations"
            self.asked.append(f"{method} {kind}")
            try:
                self.disturb(method, path, carry_on)
            except Answer as answer:
                start_response(answer.status, answer.headers)
                return [answer.body]
            except LoseAnswer as lost:
                raise ConnectionResetError("the answer is lost") from lost
        return _read(self._inner(environ, start_response))

    def control(self, method: str, path: str, values: object = None) -> dict[str, Any]:
        """Ask the practice server's control, without a socket: it is no part of the API."""
        answer = self.app.test_client().open(f"/control/{path}", method=method, json=values)
        assert answer.status_code == 200, answer.text
        return dict(answer.get_json())

    def faults(self, **faults: Any) -> None:
        self.control("PUT", "faults", faults)

    def add_course(self, course_id: str = "golf") -> None:
        cloud = self.app.extensions["practice_scorm_cloud"]
        done = import_now(cloud, Wanted(course_id), package().read())
        assert done["status"] == "COMPLETE", done
        self.asked.clear()

    def play(self, registration_id: str, **result: Any) -> None:
        self.control("PUT", f"registrations/{registration_id}", {"seconds": 60, **result})

    def look(self, registration_id: str) -> dict[str, Any]:
        return self.control("GET", f"registrations/{registration_id}")

    def registrations(self) -> set[str]:
        """Return the ids of all registrations that there are."""
        return set(self.control("GET", "registrations")["registrations"])

    def posts(self) -> dict[str, dict[str, int]]:
        """Return how often each id was POSTed: accepted and refused."""
        return dict(self.control("GET", "registrations")["posts"])

    def stop(self) -> None:
        self._outbound.close()
        with self._idle:  # an answer without a waiting client still uses the store
            self._idle.wait_for(lambda: self._under_way == 0, timeout=10)
        self.server.stop()
