"""Throw requests at a bridge and look at every answer, every row and every call to SCORM Cloud."""

import logging
import re
import sqlite3
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import psycopg
from flask import got_request_exception
from sqlalchemy import URL

from lti_bridge.core.db import db
from lti_bridge.ops.views import WATCH
from tests.door import Door
from tests.fuzz.wire import Request, Response, call

# What one valid launch may add at most.
OF_A_LAUNCH = {
    "used_nonce": 1,
    "resource_link": 1,
    "staff_visit": 1,
    "learner": 1,
    "registration": 1,
    "grade": 1,
    "launch": 1,
    "trail_event": 4,
}
CODE = re.compile(rb"Code <code>(\w+)</code>")


class Broken(AssertionError):
    """The bridge broke a promise; the message says with which request."""


@dataclass(frozen=True)
class Shot:
    """One request, what it is, and what it may do.

    `near` marks one mutation away from a correctly signed launch. `may_add` caps the rows per
    table, `may_call` allows calls to SCORM Cloud, `may_fail` a 502 or 503 with words (for an LMS
    that answers nonsense); `passes` judges an answer below 400 and returns a complaint or "".
    """

    kind: str
    request: Request
    note: str
    near: bool = False
    may_call: bool = False
    may_add: dict[str, int] = field(default_factory=dict)
    may_fail: bool = False
    passes: Callable[[Response], str] = lambda _: ""


class Fuzzer:
    """Counts what was sent, and stops at the first broken promise."""

    def __init__(self, door: Door, seed: str) -> None:
        self.door, self.seed = door, seed
        self.sent: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.codes: Counter[str] = Counter()
        self.near = self.passed = 0
        self.last_error = ""
        logging.getLogger("lti_bridge").setLevel(logging.CRITICAL)
        self._rows = _own_connection(db.engine.url)
        self._tables = [table.name for table in db.metadata.sorted_tables]
        # Quick, but PostgreSQL leaves out numbers of rows that were there already.
        how = "coalesce(max(rowid), 0)" if db.engine.name == "sqlite" else "count(*)"
        counts = (f"(SELECT {how} FROM {name})" for name in self._tables)
        self._count = f"SELECT {', '.join(counts)}"
        got_request_exception.connect(self._remember, door.app)

    def random(self, number: int) -> Random:
        """Return the dice of one request: the same for the same seed and number."""
        return Random(f"{self.seed}/{number}")

    def fire(self, shot: Shot, number: int) -> Response:
        """Send one request and check the answer; raises Broken."""
        before, asked = self.rows(), len(self.door.cloud.asked)
        response = call(self.door.app, shot.request)
        if WATCH in self.door.app.extensions:
            self.door.app.extensions[WATCH].wait()
        added = {
            name: after - had
            for name, had, after in zip(self._tables, before, self.rows(), strict=True)
            if after != had
        }
        asked = len(self.door.cloud.asked) - asked
        self._note(shot, response)
        complaint = _complaint(shot, response, added, asked) or self._registration_taken(
            response, added
        )
        if complaint:
            raise Broken(
                f"request {number} of seed {self.seed}: {complaint}\n"
                f"{shot.kind}: {shot.note}\n{str(shot.request)[:3000]}\n"
                f"answer {response.status}: {response.body[:600]!r}\n{self.last_error}"
            )
        return response

    def _registration_taken(self, response: Response, added: dict[str, int]) -> str:
        """A user who is shown a page of ours instead of the player takes no registration."""
        place, player = response.header("location"), self.door.cloud.server.url
        if response.status >= 400 or place.startswith(player) or "registration" not in added:
            return ""
        return "a registration for a user who is no learner"

    def rows(self) -> tuple[int, ...]:
        """Return how many rows each table has, or the highest number: nothing is deleted here."""
        return tuple(self._rows.execute(self._count).fetchone())

    def close(self) -> None:
        self._rows.close()
        got_request_exception.disconnect(self._remember, self.door.app)
        logging.getLogger("lti_bridge").setLevel(logging.NOTSET)

    def _note(self, shot: Shot, response: Response) -> None:
        self.sent[shot.kind] += 1
        self.statuses[response.status] += 1
        self.near += shot.near
        self.passed += shot.near and response.status < 400
        if found := CODE.search(response.body):
            self.codes[found.group(1).decode()] += 1

    def _remember(self, _app: Any, exception: BaseException, **_: Any) -> None:
        self.last_error = "".join(traceback.format_exception(exception))[-4000:]


def _own_connection(url: URL) -> Any:
    """Return a connection that sees every commit and disturbs no transaction."""
    if url.get_backend_name() == "sqlite":
        return sqlite3.connect(f"file:{url.database}?mode=ro", uri=True, check_same_thread=False)
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True)


def _is_file(response: Response) -> bool:
    return (
        response.header("content-type").startswith("text/csv")
        and response.header("content-disposition").startswith("attachment")
        and response.header("x-content-type-options") == "nosniff"
    )


def _complaint(shot: Shot, response: Response, added: dict[str, int], asked: int) -> str:
    """Return what is wrong with an answer, "" when nothing is."""
    if response.status >= 500 and not (shot.may_fail and response.status in (502, 503)):
        return "a 5xx"
    allowed = dict(shot.may_add)
    if b"<code>unknown_deployment</code>" in response.body:
        allowed["deployment"] = 1
    for name, count in added.items():
        if count > allowed.get(name, 0):
            return f"{count} new row(s) in {name}"
    if asked and not shot.may_call:
        return "SCORM Cloud was called"
    # A file for a spreadsheet holds texts as they are; browsers are told not to guess.
    if b"<b onmouseover" in response.body and not _is_file(response):
        return "a text stands on the page unescaped"
    if any("\n" in value or "\r" in value for _, value in response.headers):
        return "a header holds a line break"
    if response.header("set-cookie").startswith("a=b"):
        return "a header was injected"
    return shot.passes(response) if response.status < 400 else ""
