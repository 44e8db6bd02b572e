"""What a server did under load, run by run, and the load that makes it do so."""

import multiprocessing
import statistics
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from .client import Load
from .stub import platform_key

# Processes that play platforms and browsers: one of them would be the bottleneck.
PROCESSES = 4
LONGEST_WAIT = 60.0
# How many learners each client plays who come again and again.
FEW = 5


@dataclass
class Figure:
    """What one server did under load, run by run."""

    name: str
    per_second: list[float] = field(default_factory=list)
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    busy: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """The median of the runs, in login + launch pairs per second."""
        return statistics.median(self.per_second)


@dataclass(frozen=True)
class Target:
    """Where a load goes: the tool's address, its paths, and who launches there.

    `fresh`: every launch is a learner's first; else the same few come again.
    """

    tool: str
    stub: str
    key: Path
    fresh: bool = True
    login_path: str = "/lti/login"
    launch_path: str = "/lti/launch"


@dataclass
class Part:
    """What one client process found: the seconds of each pair, and what went wrong."""

    seconds: list[float]
    failures: list[str]
    busy: int


def measure(figure: Figure, target: Target, seconds: float, clients: int = PROCESSES) -> None:
    """Load one server with so many clients for some seconds, and add the run to its figure.

    Learners of a `fresh` target are new in every run, those of another are always the same.
    """
    context = multiprocessing.get_context("spawn")
    shares = [clients // PROCESSES + (n < clients % PROCESSES) for n in range(PROCESSES)]
    with context.Pool(PROCESSES) as pool:
        run = f"{time.time_ns()}-" if target.fresh else "again-"
        work = [(target, seconds, f"{run}{n}", share) for n, share in enumerate(shares)]
        parts = pool.starmap_async(load, work).get(seconds + LONGEST_WAIT)
    add(figure, [part for of_process in parts for part in of_process], seconds)


def add(figure: Figure, parts: Sequence[Part], seconds: float) -> None:
    """Add one run."""
    took = sorted(moment for part in parts for moment in part.seconds)
    figure.failures += [text for part in parts for text in part.failures][:3]
    figure.busy += sum(part.busy for part in parts)
    if len(took) < 2:
        figure.failures.append("no launch succeeded")
        took = took or [seconds]
    figure.per_second.append(len(took) / seconds)
    figure.p50_ms.append(took[len(took) // 2] * 1000)
    figure.p99_ms.append(took[min(len(took) - 1, len(took) * 99 // 100)] * 1000)


def load(target: Target, seconds: float, name: str, clients: int) -> list[Part]:
    """Be so many clients, each in a thread, for some seconds."""
    key = platform_key(target.key)
    paths = {"login_path": target.login_path, "launch_path": target.launch_path}
    made = [Load(target.tool, target.stub, key, **paths) for _ in range(clients)]
    threads = [
        threading.Thread(target=_drive, args=(client, target.fresh, f"{name}-{number}", seconds))
        for number, client in enumerate(made)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [Part(client.seconds, client.failures, client.busy) for client in made]


def _drive(client: Load, fresh: bool, name: str, seconds: float) -> None:
    for number in range(1 if fresh else FEW):
        client.launch(f"{name}-warm-{number}" if fresh else f"{name}-{number}")
    client.seconds.clear()
    ends = time.perf_counter() + seconds
    for number in count():
        if time.perf_counter() >= ends or len(client.failures) > 20:
            break
        client.launch(f"{name}-{number if fresh else number % FEW}")


def show_head(what: str) -> None:
    """Print the head of a table: ratios first, they are what may be compared between machines."""
    print(f"{what:<38}{'ratio':>8}{'per s':>9}{'p50 ms':>9}{'p99 ms':>9}{'p99/p50':>9}")


def show(figures: Sequence[Figure], baseline: Figure) -> None:
    """Print one line for each figure."""
    for figure in figures:
        p50, p99 = statistics.median(figure.p50_ms), statistics.median(figure.p99_ms)
        print(
            f"{figure.name:<38}{figure.rate / baseline.rate:>8.2f}{figure.rate:>9.1f}"
            f"{p50:>9.1f}{p99:>9.1f}{p99 / p50:>9.2f}"
            + (f"  ({figure.busy} asked to wait)" if figure.busy else ""),
            flush=True,
        )
        for text in figure.failures[:3]:
            print(f"    failed: {text}")
