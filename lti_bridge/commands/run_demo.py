"""The demo: four processes and three sample courses on one machine."""

import json
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any

from flask import Flask

from lti_sandbox.sample_courses import build_sample, course_id
from lti_sandbox.sample_courses.build import title

from ..app import create_app
from ..core.config import Settings, environment_without_settings, load_settings
from ..core.errors import BridgeError, NotFound, Unavailable
from ..core.http.session import Outbound
from ..core.processes import Family
from ..platforms.accounts import DEFAULT
from ..platforms.connection_values import PlatformFacts
from ..platforms.registry import add_platform
from ..scorm_cloud.client import ScormCloudClient
from ..services import EXTENSION, Services
from .courses import open_client, wait_for_import
from .opening import close_bridge
from .serving import make_ready

SAMPLES = {
    "scorm12-quiz": "SCORM 1.2",
    "scorm2004-quiz": "SCORM 2004",
    "scorm2004-several": "SCORM 2004, several SCOs",
}
START_SECONDS = 60.0
POLL_SECONDS = 0.1
CALL_SECONDS = 10.0
GRACE_SECONDS = 8.0


class Stopped(BridgeError):
    """Ctrl-C was pressed during start-up."""


@dataclass(frozen=True)
class DemoAddresses:
    """The ports of the three servers, on loopback."""

    lms: int
    bridge: int
    scorm_cloud: int

    def url(self, port: int) -> str:
        """Return the URL of one of the ports."""
        return f"http://127.0.0.1:{port}"


def choose_places(port: int | None) -> DemoAddresses:
    """Return `port` and the two after it, or three free ports. Raises Unavailable."""
    wanted = [0, 0, 0] if port is None else [port, port + 1, port + 2]
    with ExitStack() as held:
        found = []
        for number in wanted:
            try:
                listening = held.enter_context(socket.create_server(("127.0.0.1", number)))
            except (OSError, OverflowError) as error:
                raise Unavailable(f"port {number} is taken: choose another with --port") from error
            found.append(listening.getsockname()[1])
    return DemoAddresses(*found)


class Demo:
    """The demo's processes; a context manager that ends them."""

    def __init__(
        self, data_dir: Path, dialect: str, places: DemoAddresses, say: Callable[[str], None]
    ) -> None:
        self.places = places
        self._dialect = dialect
        self._data_dir = data_dir.absolute()
        self._say = say
        self._family = Family(environment_without_settings())
        self._outbound = Outbound(allow_private_networks=True)
        self.console_link: str | None = None  # set by `start` while the console has no owner

    def __enter__(self) -> "Demo":
        self._family.end_on_signals()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._family.stop(GRACE_SECONDS)
        self._outbound.close()

    def start(self) -> str:
        """Start all; returns the address of the course page. Raises Stopped or Unavailable."""
        config = self._write_settings()
        settings = load_settings({}, config_file=config)
        self._start_practice_servers()
        self.console_link = make_ready(settings)
        self._start_bridge(config)
        self._fill(settings)
        return self.places.url(self.places.lms)

    def watch(self) -> int:
        """Wait for Ctrl-C; returns the exit status."""
        return self._family.watch()

    def _write_settings(self) -> Path:
        cloud = self.places.url(self.places.scorm_cloud)
        lines = [
            "# Written by `lti-bridge demo` at each start.",
            f"public_url = {json.dumps(self.places.url(self.places.bridge))}",
            f"data_dir = {json.dumps(str(self._data_dir))}",
            "[scorm_cloud]",
            f"base_url = {json.dumps(cloud + '/api/v2')}",
            'app_id = "practice"',
            'secret_key = "practice"',
            "[launch]",
            "allow_private_networks = true",
        ]
        self._data_dir.mkdir(parents=True, exist_ok=True)
        path = self._data_dir / "demo.toml"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def _start_practice_servers(self) -> None:
        self._say("Starting the practice SCORM Cloud and the practice LMS …")
        kept = str(self._data_dir / "scorm-cloud")
        cloud, lms = self.places.scorm_cloud, self.places.lms
        self._run("sandbox", "scorm-cloud", "--port", str(cloud), "--data-dir", kept, log="cloud")
        self._run("sandbox", "lms", "--port", str(lms), "--dialect", self._dialect, log="lms")
        self._wait_for(self.places.url(cloud))
        self._wait_for(self.places.url(lms))

    def _start_bridge(self, config: Path) -> None:
        self._say("Starting the bridge and its worker …")
        place = ["--host", "127.0.0.1", "--port", str(self.places.bridge)]
        sizes = ["--workers", "1", "--threads", "8"]
        self._run("--config", str(config), "web", *place, *sizes, log="bridge")
        self._run("--config", str(config), "worker", log="worker")
        self._wait_for(self.places.url(self.places.bridge) + "/healthz")

    def _run(self, *arguments: str, log: str) -> None:
        with (self._data_dir / f"{log}.log").open("wb") as output:
            self._family.start(*arguments, output=output)

    def _wait_for(self, url: str) -> None:
        ends = time.monotonic() + START_SECONDS
        while time.monotonic() < ends:
            if self._family.asked_to_end:
                raise Stopped("stopped before everything ran")
            if self._family.ending:
                raise Unavailable(f"a server ended at once: {self._last_words()}")
            try:
                if self._outbound.send("GET", url, deadline_seconds=2).status_code < 500:
                    return
            except BridgeError:
                time.sleep(POLL_SECONDS)
        raise Unavailable(f"a server did not answer in {START_SECONDS:.0f} s: {url}")

    def _last_words(self) -> str:
        logs = sorted(self._data_dir.glob("*.log"), key=lambda path: path.stat().st_mtime)
        lines = [line for path in logs for line in path.read_text("utf-8").splitlines()[-1:]]
        return " / ".join(lines) or "it said nothing"

    def _fill(self, settings: Settings) -> None:
        self._say("Uploading three sample courses and connecting the LMS …")
        app = create_app(settings)
        services: Services = app.extensions[EXTENSION]
        with app.app_context():
            try:
                upload_samples(open_client(services, DEFAULT))
                self._connect(app, services)
            finally:
                close_bridge(services)

    def _connect(self, app: Flask, services: Services) -> None:
        bridge = services.settings.public_url
        tool = {
            "name": "LTI Bridge",
            "login_url": f"{bridge}/lti/login",
            "redirect_uris": [f"{bridge}/lti/launch"],
            "jwks_url": f"{bridge}/lti/jwks.json",
            "target_link_uri": f"{bridge}/lti/launch",
        }
        found = self._tell_lms("tools", tool)
        facts = PlatformFacts(
            name=f"Practice LMS ({self._dialect})",
            issuer=found["issuer"],
            client_id=found["client_id"],
            authorization_url=found["authorization_url"],
            token_url=found["token_url"],
            jwks_url=found["jwks_url"],
            dialect=self._dialect,
        )
        add_platform(facts, found["deployment_id"], now=services.now())
        activities = [
            {"title": f"{title(kind)} ({standard})", "custom": {"scorm_course_id": course_id(kind)}}
            for kind, standard in SAMPLES.items()
        ]
        self._tell_lms("activities", activities)

    def _tell_lms(self, what: str, body: Any) -> Any:
        url = f"{self.places.url(self.places.lms)}/control/{what}"
        answer = self._outbound.send("PUT", url, json=body, deadline_seconds=CALL_SECONDS)
        if answer.status_code != 200:
            raise Unavailable(f"the practice LMS answered {answer.status_code} to {what}")
        return answer.json()


def upload_samples(client: ScormCloudClient) -> None:
    """Import the sample courses that are not there yet."""
    for kind in SAMPLES:
        try:
            client.get_course(course_id(kind))
        except NotFound:
            package = BytesIO(build_sample(kind))
            job_id = client.upload_course(package, f"{kind}.zip", course_id(kind))
            wait_for_import(client, job_id, START_SECONDS)
