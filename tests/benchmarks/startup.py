"""From nothing to the first answer: the bridge beside a bare Flask and SQLAlchemy app."""

import statistics
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from . import servers

# Each in a process of its own: the time from before the first import to the first answer.
BARE = """
import time; began = time.perf_counter()
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import text
app = Flask("bare")
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
db = SQLAlchemy(app)
@app.get("/")
def page():
    return str(db.session.execute(text("SELECT 1")).scalar_one())
assert app.test_client().get("/").status_code == 200
print(time.perf_counter() - began)
"""
BRIDGE = """
import time; began = time.perf_counter()
from lti_bridge.app import create_app
from lti_bridge.core.config import load_settings
app = create_app(load_settings())
assert app.test_client().get("/lti/jwks.json").status_code == 200
print(time.perf_counter() - began)
"""


def measure_startup(directory: Path, runs: int) -> tuple[dict[str, Any], bool]:
    """Return the medians in seconds and their ratio; the two take turns."""
    directory.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        stub = held.enter_context(servers.stub(directory / "key.pem", directory / "stub.log"))
        url = f"sqlite:///{directory / 'bridge.sqlite3'}"
        variables = servers.settings_of("http://127.0.0.1:1", stub, url, directory)
        servers.prepare(variables, stub)
        bare, bridge = [], []
        for _ in range(2 * runs + 1):  # the first fills the disk's cache
            bare.append(_seconds(BARE, variables))
            bridge.append(_seconds(BRIDGE, variables))
    medians = statistics.median(bare[1:]), statistics.median(bridge[1:])
    ratio = medians[1] / medians[0]
    print(f"{'import to first answer':<38}{'ratio':>8}{'ms':>9}")
    print(f"{'bare Flask and SQLAlchemy':<38}{1.0:>8.2f}{medians[0] * 1000:>9.0f}")
    print(f"{'bridge':<38}{ratio:>8.2f}{medians[1] * 1000:>9.0f}", flush=True)
    return {"bare_seconds": bare, "bridge_seconds": bridge, "ratio": ratio}, False


def _seconds(code: str, variables: dict[str, str]) -> float:
    command = [sys.executable, "-W", "ignore", "-c", code]
    environment = servers.environment(variables)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package is compiled
    ended = subprocess.run(
        command,
        env=environment,
        cwd=servers.ROOT,
        timeout=60,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(ended.stdout)
