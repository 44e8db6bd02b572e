"""Scores per second of one worker process, beside a loop over PyLTI1p3's own calls."""

import json
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from pylti1p3.contrib.flask import FlaskMessageLaunch
from pylti1p3.grade import Grade as LibraryGrade
from pylti1p3.tool_config import ToolConfDict

from lti_bridge.app import create_app
from lti_bridge.core.config import load_settings
from lti_bridge.core.db import db

from . import servers
from .backlog import add_finished, add_link
from .client import ISSUER
from .databases import databases
from .figures import Figure, Target, measure
from .stub import platform_key

PATIENCE_SECONDS = 300.0
LATENCY_SECONDS = 0.1
OF_THE_LOOP = 40
SLOW_SCORES = 400
BACKLOG = 10_000


@dataclass
class Rate:
    """Scores per second, run by run."""

    name: str
    per_second: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """The median of the runs."""
        return statistics.median(self.per_second)


def measure_passback(directory: Path, scores: int, runs: int) -> tuple[dict[str, Any], bool]:
    """Return what was found. The loop and the workers take turns in every run."""
    key = directory / "platform.pem"
    loop, found = Rate("PyLTI1p3, get_ags and put_grade"), {}
    with ExitStack() as held:
        stub = held.enter_context(servers.stub(key, directory / "stub.log"))
        for run in range(runs):
            loop.per_second.append(loop_over_library(stub, key, OF_THE_LOOP))
            with ExitStack() as own:
                for database, url in databases(own, directory / f"run-{run}"):
                    place = directory / f"run-{run}" / f"{database}-home"
                    for name, rate in _one_run(stub, url, place, scores).items():
                        rated = found.setdefault(f"{database}, {name}", Rate(f"{database}, {name}"))
                        rated.per_second.append(rate)
        slowed = [_slowed(stub, key, database, directory) for database in ("sqlite",)]
    print(f"{'scores per second, one worker process':<44}{'ratio':>8}{'per s':>9}")
    for one in (loop, *found.values()):
        print(f"{one.name:<44}{one.rate / loop.rate:>8.2f}{one.rate:>9.1f}", flush=True)
    rows = [asdict(one) | {"ratio": one.rate / loop.rate} for one in (loop, *found.values())]
    return {"rates": rows, "launches_beside_a_backlog": slowed}, False


def _one_run(stub: str, url: str, place: Path, scores: int) -> dict[str, float]:
    variables = servers.settings_of("http://127.0.0.1:9", stub, url, place)
    place.mkdir(parents=True, exist_ok=True)
    servers.prepare(variables, stub)
    found = {}
    for name, count, latency in (
        ("no latency", scores, 0.0),
        (f"{LATENCY_SECONDS * 1000:.0f} ms", SLOW_SCORES, LATENCY_SECONDS),
    ):
        fill(variables, stub, name, count)
        ask(stub, f"/score-latency/{latency}")
        found[name] = _time_worker(stub, variables, place, count)
    ask(stub, "/score-latency/0")
    return found


def loop_over_library(stub: str, key: Path, scores: int) -> float:
    """Return scores per second of the plain way: get_ags and put_grade for each score."""
    platform = {
        "client_id": "bench",
        "auth_login_url": f"{stub}/auth",
        "auth_token_url": f"{stub}/token",
        "key_set_url": f"{stub}/jwks",
        "deployment_ids": ["1"],
    }
    platform_key(key)
    conf = ToolConfDict({ISSUER: [platform]})
    conf.set_private_key(ISSUER, key.read_text(), client_id="bench")
    endpoint = {
        "scope": ["https://purl.imsglobal.org/spec/lti-ags/scope/score"],
        "lineitem": f"{stub}/items/1",
    }
    lease = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
    body = {"iss": ISSUER, "aud": "bench", lease: endpoint}
    session = requests.Session()
    began = time.perf_counter()
    for number in range(scores):
        launch = FlaskMessageLaunch(None, conf, requests_session=session)
        # What from_cache does with a launch that was stored.
        launch.set_auto_validation(enable=False).set_jwt({"body": body}).set_restored()
        launch.validate_registration()
        grade = LibraryGrade()
        grade.set_score_given(80).set_score_maximum(100).set_user_id(f"user-{number}")
        grade.set_activity_progress("Completed").set_grading_progress("FullyGraded")
        grade.set_timestamp(datetime.now(UTC).isoformat())
        launch.get_ags().put_grade(grade)
    return scores / (time.perf_counter() - began)


def fill(variables: Mapping[str, str], stub: str, link: str, scores: int) -> None:
    """Make so many scores due in an activity of their own."""
    with bridge_app(variables) as services:
        at = services.now() - timedelta(minutes=1)
        add_finished(add_link(link, f"{stub}/items/1", at), scores, at, due=True)


@contextmanager
def bridge_app(variables: Mapping[str, str]) -> Iterator[Any]:
    """Open the bridge's app context in this process; gives its services."""
    app = create_app(load_settings(dict(variables)))
    with app.app_context(), ExitStack() as closing:
        services = app.extensions["lti_bridge"]
        closing.callback(services.queue.close)
        closing.callback(services.outbound.close)
        closing.callback(db.engine.dispose)
        closing.callback(db.session.remove)
        yield services


@contextmanager
def worker(variables: dict[str, str], log: Path) -> Iterator[int]:
    """Run one queue worker until the block ends; gives its process id."""
    command = [sys.executable, "-m", "lti_bridge", "worker"]
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, env=servers.environment(variables), stdout=output, stderr=output
        )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(60)


def _time_worker(stub: str, variables: dict[str, str], place: Path, scores: int) -> float:
    """Measure from the first score on: the start of a process is not what is measured."""
    before = count_scores(stub)
    with worker(variables, place / "worker.log"):
        while (first := count_scores(stub)) == before:
            time.sleep(0.01)
        began = time.perf_counter()
        wait_for_scores(stub, before + scores)
        return (before + scores - first) / (time.perf_counter() - began)


def wait_for_scores(stub: str, total: int) -> None:
    """Wait until the stub was sent so many scores; raises RuntimeError when that takes too long."""
    ends = time.monotonic() + PATIENCE_SECONDS
    while (sent := count_scores(stub)) < total:
        if time.monotonic() > ends:
            raise RuntimeError(f"{total - sent} scores were not sent in {PATIENCE_SECONDS:.0f} s")
        time.sleep(0.02)


def count_scores(stub: str) -> int:
    """Return how many scores the stub was sent."""
    return int(json.loads(ask(stub, "/count"))["scores"])


def ask(url: str, path: str) -> bytes:
    """GET one address of the stub."""
    with urllib.request.urlopen(f"{url}{path}", timeout=10) as answer:
        body: bytes = answer.read()
    return body


def _slowed(stub: str, key: Path, database: str, directory: Path) -> dict[str, Any]:
    """Launches while a worker of the same bridge sends a backlog, beside launches without."""
    place = directory / "backlog"
    with ExitStack() as held:
        url = dict(databases(held, place))[database]
        tool, _ = held.enter_context(servers.bridge(stub, url, place / "home"))
        variables = servers.settings_of(tool, stub, url, place / "home")
        target = Target(tool, stub, key, fresh=False)
        alone, beside = Figure("alone"), Figure("beside a backlog")
        measure(alone, target, 4.0)
        fill(variables, stub, "Backlog", BACKLOG)
        before = count_scores(stub)
        with worker(variables, place / "worker.log"):
            while count_scores(stub) < before + 50:
                time.sleep(0.05)
            measure(beside, target, 4.0)
            began, sent = time.perf_counter(), count_scores(stub)
            wait_for_scores(stub, before + BACKLOG)
            per_second = (before + BACKLOG - sent) / max(0.01, time.perf_counter() - began)
    ratio = beside.rate / alone.rate
    print(
        f"a backlog of {BACKLOG} scores, {database}: launches beside it {ratio:.2f} of those alone "
        f"({beside.rate:.0f}/s), p99 {beside.p99_ms[0]:.0f} ms; {per_second:.0f} scores/s after it"
    )
    return {"database": database, "ratio": ratio, "p99_ms": beside.p99_ms[0], "rate": per_second}
