"""What one more learner costs when there are many already: launches, exits, timers and pages.

One database grows from size to size, most of it long since delivered; at each size the same things
are done. Times are said as ratios to those at the first size.
"""

import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from lti_bridge.core.db import db
from lti_bridge.ops.gauges import RowGauges
from lti_bridge.passback.tasks import prune_nonces
from lti_bridge.passback.triggers.overdue import run_overdue_round
from lti_bridge.passback.triggers.sweep import recheck_unresolved
from lti_bridge.registrations.models import Launch
from lti_bridge.registrations.return_urls import exit_url

from . import servers
from .backlog import add_finished, add_link
from .databases import databases
from .figures import Figure, Target, measure
from .passback import ask, bridge_app
from .stub import platform_key

SIZES = (1_000, 10_000, 100_000, 1_000_000)
IN_A_LINK = 1000
ROUNDS = 15
YEAR = timedelta(days=365)


@dataclass
class Size:
    """What was measured with so many registrations in the database, in milliseconds each."""

    database: str
    registrations: int
    took: dict[str, float] = field(default_factory=dict)


def measure_growth(
    directory: Path, sizes: tuple[int, ...], seconds: float, runs: int
) -> tuple[list[dict[str, Any]], bool]:
    """Return what each size took, and whether a launch failed."""
    key, found, failed = directory / "platform.pem", [], False
    platform_key(key)
    with ExitStack() as held:
        stub = held.enter_context(servers.stub(key, directory / "stub.log"))
        for database, url in databases(held, directory):
            place = directory / f"{database}-home"
            tool, _ = held.enter_context(servers.bridge(stub, url, place))
            variables = servers.settings_of(tool, stub, url, place)
            rows: list[Size] = []
            for size in sizes:
                _grow(variables, stub, size - (rows[-1].registrations if rows else 0), size)
                rows.append(Size(database, size))
                failed |= _measure_launches(rows[-1], Target(tool, stub, key), seconds, runs)
                _measure_rest(rows[-1], variables, tool)
                _show(rows)
            found += rows
    return [asdict(one) for one in found], failed


def _grow(variables: dict[str, str], stub: str, count: int, size: int) -> None:
    """Add registrations that were delivered in the year before, a class in each activity."""
    with bridge_app(variables) as services:
        now = services.now()
        for start in range(0, count, IN_A_LINK):
            at = now - YEAR * ((start + 1) / count)
            link = add_link(f"Class {size}-{start}", f"{stub}/items/{size}-{start}", at)
            add_finished(link, min(IN_A_LINK, count - start), at, due=False)
        vacuum = "ANALYZE"
        with db.engine.connect() as connection:
            connection.exec_driver_sql(vacuum)
            connection.commit()


def _measure_launches(row: Size, target: Target, seconds: float, runs: int) -> bool:
    figure = Figure("launches")
    for _ in range(runs):
        measure(figure, target, seconds)
    row.took["launch"] = 1000 / figure.rate
    return bool(figure.failures)


def _measure_rest(row: Size, variables: dict[str, str], tool: str) -> None:
    with bridge_app(variables) as services:
        newest = db.session.scalar(select(Launch.id).order_by(Launch.id.desc()).limit(1))
        db.session.rollback()
        assert newest is not None
        path = exit_url(services, newest).removeprefix(services.settings.public_url)
        done: dict[str, Callable[[], Any]] = {
            "exit": lambda: ask(tool, path),
            "exit's status": lambda: ask(tool, f"{path}/status"),
            "overdue round": lambda: run_overdue_round(services, lambda _: None),
            "single reads": lambda: recheck_unresolved(services),
            "nonces": lambda: prune_nonces(services),
            "gauges": lambda: list(RowGauges(services).collect()),
        }
        for name, act in done.items():
            row.took[name] = _median_ms(act)


def _median_ms(act: Callable[[], Any]) -> float:
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        act()
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def _show(rows: list[Size]) -> None:
    row, first = rows[-1], rows[0]
    ratios = ", ".join(
        f"{name} {took:.1f} ms ({took / first.took[name]:.2f} x)" for name, took in row.took.items()
    )
    print(f"{row.database}, {row.registrations} registrations: {ratios}", flush=True)
