"""A SCORM Cloud that takes its time: how many learners still come through, and who else waits."""

import http.client
import statistics
import threading
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lti_bridge.commands.serving import THREADS

from . import servers
from .client import Load
from .databases import databases
from .figures import Figure, Target, measure, show, show_head
from .stub import platform_key

LATENCY_SECONDS = 0.2
CLIENTS = 40
# No launch: the pages that must come however slow SCORM Cloud is.
PROBED = ("/healthz", "/exit/nobody", "/lti/jwks.json")
STALLED_SECONDS = 4.0
STALLED_CLIENTS = 2 * THREADS


def measure_latency(directory: Path, seconds: float, runs: int) -> tuple[dict[str, Any], bool]:
    """Return what was found, and whether any server failed."""
    key, found, failed = directory / "platform.pem", [], False
    show_head(f"later launches, {CLIENTS} clients")
    with ExitStack() as held:
        stub = held.enter_context(servers.stub(key, directory / "stub.log"))
        for database, url in databases(held, directory):
            place = directory / database
            tool, _ = held.enter_context(servers.bridge(stub, url, place, THREADS))
            target = Target(tool, stub, key, fresh=False)
            quick = Figure(f"bridge, {database}, no latency")
            slow = Figure(f"bridge, {database}, {LATENCY_SECONDS * 1000:.0f} ms")
            for _ in range(runs):
                for figure, latency in ((quick, 0.0), (slow, LATENCY_SECONDS)):
                    set_latency(stub, latency)
                    measure(figure, target, seconds, CLIENTS)
            show((quick, slow), quick)
            probes = probe_while_stalled(target, database)
            found.append({"database": database, "quick": asdict(quick), "slow": asdict(slow)})
            found[-1] |= {"ratio": median_ratio(quick, slow), "probes_ms": probes}
            failed = failed or bool(quick.failures or slow.failures)
    return {"threads": THREADS, "clients": CLIENTS, "databases": found}, failed


def set_latency(stub: str, seconds: float) -> None:
    """Let the stub's SCORM Cloud take so long from now on."""
    assert _ask(stub, f"/latency/{seconds}") == 200


def probe_while_stalled(target: Target, database: str) -> dict[str, float]:
    """Ask for other pages while more learners than threads wait for SCORM Cloud.

    Returns the slowest answer of each page in milliseconds.
    """
    set_latency(target.stub, STALLED_SECONDS)
    key = platform_key(target.key)
    crowd = [Load(target.tool, target.stub, key) for _ in range(STALLED_CLIENTS)]
    threads = [
        threading.Thread(target=client.launch, args=(f"stalled-{number}",))
        for number, client in enumerate(crowd)
    ]
    for thread in threads:
        thread.start()
    slowest = {path: 0.0 for path in PROBED}
    ends = time.monotonic() + STALLED_SECONDS
    while time.monotonic() < ends:
        for path in PROBED:
            began = time.perf_counter()
            _ask(target.tool, path)
            slowest[path] = max(slowest[path], (time.perf_counter() - began) * 1000)
    for thread in threads:
        thread.join()
    set_latency(target.stub, 0.0)
    busy = sum(client.busy for client in crowd)
    said = ", ".join(f"{path} {took:.0f} ms" for path, took in slowest.items())
    print(f"    {database}, SCORM Cloud stalled: {busy} asked to wait; slowest {said}", flush=True)
    return slowest


def _ask(url: str, path: str) -> int:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        return connection.getresponse().status
    finally:
        connection.close()


def median_ratio(quick: Figure, slow: Figure) -> float:
    """Return the median of the runs' ratios: the two of a run came right after each other."""
    pairs = zip(slow.per_second, quick.per_second, strict=True)
    return statistics.median(one / other for one, other in pairs)
