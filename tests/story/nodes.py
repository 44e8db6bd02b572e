"""The bridge as real processes, to be killed, frozen and started again."""

import dataclasses
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import requests

from lti_bridge.core.config import Settings, environment_without_settings
from tests.story.stage import Stage, wait_for

ROOT = Path(__file__).resolve().parents[2]
# Short enough that a test sees a lease run out.
QUICK = {
    "LTI_BRIDGE_PASSBACK__CLAIM_LEASE_SECONDS": "2",
    "LTI_BRIDGE_PASSBACK__LMS_DEADLINE_SECONDS": "4",
    "LTI_BRIDGE_SCORM_CLOUD__DEADLINE_SECONDS": "4",
    "LTI_BRIDGE_PASSBACK__OVERDUE_ROUND_SECONDS": "0.5",
}


@dataclasses.dataclass
class Nodes:
    """Web and worker processes of one bridge, each in a process group of its own."""

    stage: Stage
    log: Path
    environment: dict[str, str]
    running: list[subprocess.Popen[bytes]] = dataclasses.field(default_factory=list)

    def start_web(self) -> subprocess.Popen[bytes]:
        """Start a web node and wait until it answers."""
        url = urlsplit(self.stage.services.settings.public_url)
        place = ["--host", "127.0.0.1", "--port", str(url.port)]
        web = self._start("web", *place, "--workers", "1", "--threads", "4")
        wait_for(self._answers, "the web node to answer")
        return web

    def start_node(self, port: int, workers: int = 1) -> subprocess.Popen[bytes]:
        """Start a whole web node as `serve` does, on a port of its own, without a worker."""
        place = ["--host", "127.0.0.1", "--port", str(port), "--no-worker"]
        node = self._start("serve", *place, "--workers", str(workers), "--threads", "4")
        wait_for(lambda: self._answers(f"http://127.0.0.1:{port}"), "the node to answer")
        return node

    def start_worker(self) -> subprocess.Popen[bytes]:
        """Start a queue worker."""
        return self._start("worker")

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """End a node without a warning, with all its children."""
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self.running.remove(process)

    def freeze(self, process: subprocess.Popen[bytes]) -> None:
        """Stop a node in the middle of its work, though not inside a write to SQLite.

        SQLite has one writer: a process that is stopped inside one stops every other.
        """
        while True:
            os.kill(process.pid, signal.SIGSTOP)
            if all(_is_free(url) for url in (self._database, self._queue)):
                return
            os.kill(process.pid, signal.SIGCONT)
            time.sleep(0.01)

    def thaw(self, process: subprocess.Popen[bytes]) -> None:
        """Let a frozen node go on."""
        os.kill(process.pid, signal.SIGCONT)

    @property
    def _database(self) -> str:
        return self.stage.services.settings.database_url

    @property
    def _queue(self) -> str:
        return self.stage.services.settings.queue_url

    def stop(self) -> None:
        for process in list(self.running):
            self.kill(process)

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "lti_bridge", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self.environment,
                cwd=ROOT,
                start_new_session=True,
            )
        self.running.append(process)
        return process

    def _answers(self, url: str = "") -> bool:
        url = url or self.stage.services.settings.public_url
        try:
            return requests.get(f"{url}/healthz", timeout=2).status_code == 200
        except requests.ConnectionError:
            return False


def _is_free(url: str) -> bool:
    """Tell whether no process writes; only SQLite can be found busy."""
    if not url.startswith("sqlite"):
        return True
    connection = sqlite3.connect(url.partition("///")[2], timeout=0, isolation_level=None)
    try:
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("ROLLBACK")
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()
    return True


def make_nodes(stage: Stage, log: Path, changes: Mapping[str, str] = QUICK) -> Nodes:
    """Return nodes that use the stage's database, queue and practice servers; none runs yet."""
    return Nodes(stage, log, environment_of(stage.services.settings) | dict(changes))


def environment_of(settings: Settings) -> dict[str, str]:
    """Return what an operator would put into the environment for these settings."""
    return {
        **environment_without_settings(),
        "LTI_BRIDGE_PUBLIC_URL": settings.public_url,
        "LTI_BRIDGE_DATA_DIR": str(settings.data_dir),
        "LTI_BRIDGE_DATABASE_URL": settings.database_url,
        "LTI_BRIDGE_QUEUE_URL": settings.queue_url,
        "LTI_BRIDGE_SECRET_KEY": settings.secret_key,
        "LTI_BRIDGE_LAUNCH__ALLOW_PRIVATE_NETWORKS": "true",
        "LTI_BRIDGE_SCORM_CLOUD__BASE_URL": settings.scorm_cloud.base_url,
        "LTI_BRIDGE_SCORM_CLOUD__APP_ID": settings.scorm_cloud.app_id,
        "LTI_BRIDGE_SCORM_CLOUD__SECRET_KEY": settings.scorm_cloud.secret_key,
    }
