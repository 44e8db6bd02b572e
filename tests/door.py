"""A whole bridge behind its WSGI door, shared by many tests, and what every refusal must be."""

import html
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from lti_bridge.core.db import db
from lti_bridge.platforms.connection_values import PlatformFacts
from lti_bridge.platforms.registry import add_platform
from lti_bridge.web.rejections import get_rejection
from tests.conftest import FakeClock, close_app, make_settings, open_app
from tests.mini_platform import MiniPlatform, Reply, public_jwk, rsa_key
from tests.practice_cloud import PracticeCloud
from tests.world import World, code, make_world

HOSTILE = "\"'><b onmouseover=hostile()>&amp"
NAME = "Ärmelschoner"
OTHER_ISSUER = "https://other.example"
# What an outsider could have put on a page or into a log: none of it may stand there raw.
JWT = r"eyJ[\w-]{20,}"
FORBIDDEN_ON_PAGES = ("<b onmouseover", NAME, "Traceback", JWT)
FORBIDDEN_IN_LOGS = (NAME, JWT, "a key that only tests use")


class Door:
    """The bridge with two clients of one LMS, another LMS, and an LMS without keys."""

    def __init__(self, app: Flask, clock: FakeClock) -> None:
        self.app, self.clock = app, clock
        self.platform, self.cloud = MiniPlatform(), PracticeCloud()
        self.cloud.add_course("golf")
        self.world = make_world(app, app.extensions["lti_bridge"], self.platform, self.cloud)
        other = Reply(body={"keys": [public_jwk("key-1", rsa_key("other"))]})
        self.platform.routes[("GET", "/other-jwks")] = other
        self.add_platform("School, second client", self.platform.url, "client-2", "jwks")
        self.add_platform("Other", OTHER_ISSUER, "client-1", "other-jwks", token="other-token")
        self.add_platform("Silent", "https://silent.example", "client-1", "none", token="silent")

    def add_platform(
        self, name: str, issuer: str, client: str, jwks: str, *, token: str = "token"
    ) -> None:
        url = self.platform.url
        facts = PlatformFacts(
            name=name,
            issuer=issuer,
            client_id=client,
            authorization_url=f"{url}/auth",
            token_url=f"{url}/{token}",
            jwks_url=f"{url}/{jwks}",
            dialect="generic",
        )
        add_platform(facts, "1", now=self.clock())

    def visitor(self) -> World:
        """Return the world seen from a browser that was never here."""
        return replace(self.world, browser=self.app.test_client())

    def everything(self) -> dict[str, list[Any]]:
        """Return every row of every table."""
        tables = db.metadata.sorted_tables
        rows = {
            table.name: [tuple(row) for row in db.session.execute(select(table))]
            for table in tables
        }
        db.session.commit()
        return rows

    def column(self, table: str, name: str) -> list[Any]:
        """Return one column's value in every row of a table."""
        position = list(db.metadata.tables[table].columns.keys()).index(name)
        return [row[position] for row in self.everything()[table]]

    def stop(self) -> None:
        self.platform.stop()
        self.cloud.stop()


@contextmanager
def open_door(database_url: str, folder: Path) -> Iterator[Door]:
    """Open a bridge with its practice servers, inside the app's context."""
    clock = FakeClock()
    app = open_app(make_settings(database_url, folder), clock)
    with app.app_context():
        door = Door(app, clock)
        try:
            yield door
        finally:
            db.session.remove()
            door.stop()
            close_app(app)


@contextmanager
def watch_log() -> Iterator[list[str]]:
    """Collect every line that the bridge writes into its log."""
    lines: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    collector, root = Collector(), logging.getLogger("lti_bridge")
    root.addHandler(collector)
    try:
        yield lines
    finally:
        root.removeHandler(collector)


def assert_refused(
    door: Door,
    send: Callable[[], TestResponse],
    reason: str,
    *,
    ignore: tuple[str, ...] = (),
) -> TestResponse:
    """Send a request that must be refused for `reason`, and check all that a refusal promises.

    `ignore` names tables that it may write to. Returns the answer.
    """
    rows, asked = door.everything(), list(door.cloud.asked)
    with watch_log() as log:
        response = send()

    assert code(response) == reason
    assert_page_helps(response, reason, log)
    assert_nothing_leaks(response, log)
    after = door.everything()
    assert {n: r for n, r in after.items() if n not in ignore} == {
        n: r for n, r in rows.items() if n not in ignore
    }
    assert door.cloud.asked == asked, "SCORM Cloud was called"
    return response


def assert_page_helps(response: TestResponse, reason: str, log: list[str]) -> None:
    """A coded page: what happened, who can fix it, how, and a reference that the log knows."""
    rejection = get_rejection(reason)
    text = html.unescape(response.text)
    assert response.status_code == rejection.status
    assert 400 <= response.status_code < 500 or reason == "keys_unavailable"
    assert response.mimetype == "text/html"
    assert f"<h1>{rejection.title}</h1>" in text
    assert rejection.happened in text
    who = "What you can do:" if rejection.who == "You" else f"{rejection.who} can fix this."
    assert who in text
    assert rejection.how in text
    found = re.search(r"reference <code>([0-9a-f]{16})</code>", text)
    assert found, "the page has no reference"
    assert any(found.group(1) in line and reason in line for line in log)


def assert_nothing_leaks(response: TestResponse, log: list[str]) -> None:
    """No claim stands on the page unescaped, no name, token or secret on it or in the log."""
    for forbidden in FORBIDDEN_ON_PAGES:
        assert not re.search(forbidden, response.text), forbidden
    for forbidden in FORBIDDEN_IN_LOGS:
        assert not any(re.search(forbidden, line) for line in log), forbidden
    headers = response.headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    for cookie in headers.getlist("Set-Cookie"):
        assert "Max-Age=0" in cookie, "a refusal sets no cookie"
