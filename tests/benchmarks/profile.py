"""Where the milliseconds of a launch and of a grade's way home go.

    python -m tests.benchmarks.profile [--launches N]

The bridge runs in this process, called by WSGI without a server around it. pyinstrument's pages go
to build/, and a table says how much of one launch, or of one grade, each library takes.
"""

import argparse
import io
import logging
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from http.client import HTTPMessage
from pathlib import Path
from typing import Any

from flask import Flask
from pyinstrument import Profiler
from pyinstrument.frame import Frame
from sqlalchemy import select

from lti_bridge.app import create_app
from lti_bridge.core.config import load_settings
from lti_bridge.core.db import db
from lti_bridge.passback.pipeline.job import work_grade
from lti_bridge.passback.pipeline.throttle import PlatformGate
from lti_bridge.passback.triggers.exit_and_postback import record_exit
from lti_bridge.registrations.models import Grade, Launch

from . import servers
from .client import Load
from .stub import platform_key

HERE = "http://127.0.0.1:8000"
BUILD = servers.ROOT / "build"
SLICE_SECONDS = 0.001
GRADES = 30


class InProcess(Load):
    """A client whose requests are calls of the app."""

    app: Flask

    def _send(
        self, method: str, path: str, body: str | None, headers: dict[str, str]
    ) -> tuple[int, HTTPMessage, bytes]:
        data = (body or "").encode()
        page, _, query = path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": page,
            "QUERY_STRING": query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "127.0.0.1:8000",
            "HTTP_COOKIE": headers.get("Cookie", ""),
            "CONTENT_LENGTH": str(len(data)),
            "CONTENT_TYPE": headers.get("Content-Type", ""),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(data),
            "wsgi.errors": sys.stderr,
            "wsgi.version": (1, 0),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        started: list[tuple[int, HTTPMessage]] = []

        def start(status: str, fields: list[tuple[str, str]], _: object = None) -> Any:
            found = HTTPMessage()
            for name, value in fields:
                found[name] = value
            started.append((int(status.split()[0]), found))

        content = b"".join(self.app.wsgi_app(environ, start))
        return *started[0], content


# A call that waits, and for what; whose library called it does not matter.
WAITS = {
    "do_commit": "the disk: commit",
    "do_execute": "the database: statements",
    "readinto": "the answer of SCORM Cloud or the LMS",
}
PLACES = {
    "lti_bridge": "lti_bridge",
    "tests": "the client: signing its token, and what it sends",
    "flask": "Flask and Werkzeug",
    "werkzeug": "Flask and Werkzeug",
    "requests": "requests and urllib3",
    "urllib3": "requests and urllib3",
    "jwt": "PyJWT and cryptography",
    "cryptography": "PyJWT and cryptography",
    "sqlalchemy": "SQLAlchemy",
    "flask_sqlalchemy": "SQLAlchemy",
    "itsdangerous": "itsdangerous",
}


def profile(name: str, work: Callable[[], None], times: int) -> None:
    """Run `work`, which does something so many times; writes the page, and prints the table."""
    profiler = Profiler(interval=SLICE_SECONDS)
    with profiler:
        work()
    BUILD.mkdir(exist_ok=True)
    page = BUILD / f"profile-{name}.html"
    page.write_text(profiler.output_html(), encoding="utf-8")
    session = profiler.last_session
    assert session is not None
    taken: Counter[str] = Counter()
    if (root := session.root_frame(trim_stem=False)) is not None:
        _share_out(root, "other", taken)
    print(f"{name}: {session.duration * 1000 / times:.1f} ms each, see {page}")
    for who, seconds in taken.most_common():
        print(f"    {seconds / session.duration:4.0%}  {seconds * 1000 / times:6.2f} ms  {who}")


def _share_out(frame: Frame, caller: str, taken: Counter[str]) -> None:
    """Add a frame's own time to whose it is; the standard library's counts for its caller."""
    who = WAITS.get(frame.function) or _place(frame.file_path or "") or caller
    taken[who] += frame.time - sum(child.time for child in frame.children)
    for child in frame.children:
        _share_out(child, who, taken)


def _place(file: str) -> str | None:
    parts = Path(file).parts
    if "site-packages" in parts:
        return PLACES.get(parts[parts.index("site-packages") + 1], "other")
    return next((PLACES[name] for name in ("lti_bridge", "tests") if name in parts), None)


def main() -> None:
    """Profile first and later launches, and grades from the exit to the gradebook."""
    parser = argparse.ArgumentParser(description="Profile the bridge in this process.")
    parser.add_argument("--launches", type=int, default=150)
    count = parser.parse_args().launches
    logging.disable(logging.WARNING)
    with ExitStack() as held:
        directory = Path(held.enter_context(tempfile.TemporaryDirectory()))
        key = directory / "platform.pem"
        stub = held.enter_context(servers.stub(key, directory / "stub.log"))
        address = f"sqlite:///{directory / 'bridge.sqlite3'}"
        variables = servers.settings_of(HERE, stub, address, directory)
        servers.prepare(variables, stub)
        app = create_app(load_settings(variables))
        client = InProcess(HERE, stub, platform_key(key))
        client.app = app
        client.launch("warm")

        def launch_everybody() -> None:
            for number in range(count):
                client.launch(f"learner-{number}")

        profile("first-launches", launch_everybody, count)
        profile("later-launches", launch_everybody, count)
        _profile_way_home(app)
    if client.failures:
        raise SystemExit(client.failures[0])


def _profile_way_home(app: Flask) -> None:
    """Every learner's last exit, and what the worker then does for the grade."""
    services = app.extensions["lti_bridge"]
    with app.app_context():
        launches = db.session.scalars(select(Launch.id).order_by(Launch.id)).all()
        grades = db.session.scalars(select(Grade.id).order_by(Grade.id)).all()
        db.session.commit()
        pairs = list(zip(launches[-len(grades) :], grades, strict=True))[: GRADES + 1]
        gate = PlatformGate(services.settings.passback, services.now)

        def bring_home(some: Sequence[tuple[int, int]]) -> None:
            for launch, grade in some:
                record_exit(services, launch)
                work_grade(services, gate, grade)
                db.session.remove()

        bring_home(pairs[:1])  # what is built once is not what a grade costs
        profile("way-home", lambda: bring_home(pairs[1:]), len(pairs) - 1)
        services.queue.close()
        services.outbound.close()
        db.engine.dispose()


if __name__ == "__main__":
    main()
