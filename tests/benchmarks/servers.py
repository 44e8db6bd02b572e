"""Start what a benchmark needs, on loopback ports of its own, and end it all again."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from lti_bridge.app import create_app
from lti_bridge.core.config import load_settings
from lti_bridge.core.db import db
from lti_bridge.core.migrate import migrate_database
from lti_bridge.platforms.accounts import ensure_default_account
from lti_bridge.platforms.connection_values import PlatformFacts
from lti_bridge.platforms.keys import ensure_keys
from lti_bridge.platforms.registry import add_platform
from tests.ports import free_port

from .client import ISSUER
from .stub import platform_key

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 30.0
THREADS = 8


@contextmanager
def running(command: list[str], url: str, environment: dict[str, str], log: Path) -> Iterator[int]:
    """Run a server until the block ends; gives its process id once it listens."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, env=environment, cwd=ROOT, stdout=output, stderr=output, start_new_session=True
        )
    try:
        _wait_until_it_listens(process, url, log)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_it_listens(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    ends = time.monotonic() + START_SECONDS
    place = urlsplit(url)
    while time.monotonic() < ends and process.poll() is None:
        try:
            socket.create_connection((place.hostname, place.port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"a server did not start: {log.read_text('utf-8', 'replace')[-500:]}")


@contextmanager
def stub(key: Path, log: Path) -> Iterator[str]:
    """The platform's services and SCORM Cloud, without work of their own."""
    platform_key(key)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "tests.benchmarks.stub"]
    with running([*command, str(port), str(key)], url, environment({}), log):
        yield url


@contextmanager
def peer(stub_url: str, log: Path) -> Iterator[str]:
    """PyLTI1p3's Flask integration, beside the bridge."""
    with _gunicorn(f'peer_pylti1p3:create_peer("{stub_url}")', log) as url:
        yield url


@contextmanager
def floor(stub_url: str, database_url: str, log: Path) -> Iterator[str]:
    """The bridge's libraries without the bridge, beside it."""
    with _gunicorn(f'peer_floor:create_floor("{database_url}", "{stub_url}")', log) as url:
        yield url


@contextmanager
def _gunicorn(app: str, log: Path) -> Iterator[str]:
    """One worker process with threads, as the bridge has it."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "gunicorn", f"tests.benchmarks.{app}"]
    command += ["-b", f"127.0.0.1:{port}", "-w", "1", "-k", "gthread", "--threads", str(THREADS)]
    with running(command, url, environment({}), log):
        yield url


@contextmanager
def bridge(
    stub_url: str, database_url: str, directory: Path, threads: int = THREADS
) -> Iterator[tuple[str, int]]:
    """The bridge: one gunicorn worker process with threads; gives its address and process id."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    directory.mkdir(parents=True, exist_ok=True)
    variables = settings_of(url, stub_url, database_url, directory)
    prepare(variables, stub_url)
    command = [sys.executable, "-m", "lti_bridge", "web", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", "1", "--threads", str(threads)]
    with running(command, url, environment(variables), directory / "web.log") as pid:
        yield url, pid


def settings_of(url: str, stub_url: str, database_url: str, directory: Path) -> dict[str, str]:
    """Return the variables of a bridge at `url`."""
    return {
        "LTI_BRIDGE_PUBLIC_URL": url,
        "LTI_BRIDGE_DATA_DIR": str(directory),
        "LTI_BRIDGE_DATABASE_URL": database_url,
        "LTI_BRIDGE_SECRET_KEY": "a key that only benchmarks use",
        "LTI_BRIDGE_LOG_LEVEL": "warning",
        "LTI_BRIDGE_LAUNCH__ALLOW_PRIVATE_NETWORKS": "true",
        "LTI_BRIDGE_SCORM_CLOUD__BASE_URL": f"{stub_url}/api/v2",
        "LTI_BRIDGE_SCORM_CLOUD__APP_ID": "bench",
        "LTI_BRIDGE_SCORM_CLOUD__SECRET_KEY": "bench",
    }


def prepare(variables: dict[str, str], stub_url: str) -> None:
    """Make the tables, a key, the account and the platform that the stub plays."""
    app = create_app(load_settings(variables))
    migrate_database(app)
    facts = PlatformFacts(
        name="Bench",
        issuer=ISSUER,
        client_id="bench",
        authorization_url=f"{stub_url}/auth",
        token_url=f"{stub_url}/token",
        jwks_url=f"{stub_url}/jwks",
        dialect="generic",
    )
    with app.app_context(), ExitStack() as closing:
        services = app.extensions["lti_bridge"]
        closing.callback(db.engine.dispose)
        closing.callback(services.outbound.close)
        closing.callback(services.queue.close)
        now = services.now()
        ensure_keys(services.signer, now=now)
        ensure_default_account(services.settings, services.signer, now=now)
        add_platform(facts, "1", now=now)
        db.session.remove()


def resident_megabytes(arbiter: int) -> float:
    """Return the resident memory of the one worker process of a gunicorn, in megabytes."""
    children = Path(f"/proc/{arbiter}/task/{arbiter}/children").read_text().split()
    return resident_megabytes_of(int(children[0]))


def resident_megabytes_of(process: int) -> float:
    """Return the resident memory of a process, in megabytes."""
    status = Path(f"/proc/{process}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def environment(variables: dict[str, str]) -> dict[str, str]:
    """Return this process's environment with these settings of the bridge and no others."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("LTI_BRIDGE_")}
    return {**kept, **variables}
