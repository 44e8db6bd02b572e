"""A running practice SCORM Cloud, a listener, a browser."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from lti_sandbox.practice_scorm_cloud import create_practice_scorm_cloud
from lti_sandbox.practice_scorm_cloud.cloud import EXTENSION
from lti_sandbox.server import serve
from tests.lti_sandbox.scorm_cloud.practice import Heard, Listener, Practice


@pytest.fixture
def practice() -> Iterator[Practice]:
    app = create_practice_scorm_cloud(postback_retry_seconds=0.02, import_seconds=0)
    with serve(app) as running, requests.Session() as session:
        yield Practice(running.url, app.extensions[EXTENSION], session)


@pytest.fixture
def listener() -> Iterator[Listener]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.heard.append(Heard(self.path, dict(self.headers), body))
            self.send_response(heard.answers.pop(0) if heard.answers else 200)
            self.send_header("Content-Length", "0")
            self.send_header("Location", heard.url + "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    heard = Listener(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield heard
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()
