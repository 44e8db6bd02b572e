"""The other peer: ltijs from npm with its PostgreSQL plugin, where node, npm and a server are."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import servers
from .databases import POSTGRESQL, postgresql_database

SOURCE = Path(__file__).parent / "ltijs"
INSTALLED = servers.ROOT / "build" / "ltijs"
INSTALL_SECONDS = 240
READY_SECONDS = 30.0


@contextmanager
def ltijs(stub: str, log: Path) -> Iterator[str]:
    """Run ltijs until the block ends; gives its address, or "" after a sentence that says why."""
    missing = _install()
    if missing:
        print(f"ltijs is left out: {missing}")
        yield ""
        return
    port = servers.free_port()
    url = f"http://127.0.0.1:{port}"
    with postgresql_database() as database:
        command = ["node", str(INSTALLED / "peer.js"), str(port), stub, database]
        with servers.running(command, url, servers.environment({}), log):
            _wait_until_ready(log)
            yield url


def _install() -> str:
    """Install ltijs once, into build/; return what stands in the way, if anything."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        return "node and npm are not here."
    if POSTGRESQL is None:
        return "it is measured on PostgreSQL (LTI_BRIDGE_TEST_POSTGRESQL)."
    INSTALLED.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "peer.js"):
        shutil.copy(SOURCE / name, INSTALLED / name)
    if (INSTALLED / "node_modules" / "ltijs").is_dir():
        return ""
    command = [npm, "install", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        ended = subprocess.run(command, cwd=INSTALLED, timeout=INSTALL_SECONDS, capture_output=True)
    except subprocess.TimeoutExpired:
        return f"npm did not install it in {INSTALL_SECONDS} s."
    return "" if ended.returncode == 0 else "npm could not install it."


def _wait_until_ready(log: Path) -> None:
    """It listens before it knows the platform."""
    ends = time.monotonic() + READY_SECONDS
    while "ready" not in log.read_text("utf-8", "replace"):
        if time.monotonic() > ends:
            raise RuntimeError(f"ltijs did not start: {log.read_text('utf-8', 'replace')[-500:]}")
        time.sleep(0.1)
