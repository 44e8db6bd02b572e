"""How many processes a school, a country or a rush at nine o'clock needs, from measured figures.

    python -m tests.benchmarks.capacity [--launches PER_S] [--scores PER_S] [--database NAME]

Without figures of your own it takes those of the newest `build/bench.json`, which `make bench`
writes. The model and what it leaves out are explained in docs/capacity.md.
"""

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parents[2] / "build" / "bench.json"
SECONDS_IN_A_SCHOOL_YEAR = 200 * 8 * 3600


@dataclass(frozen=True)
class Measured:
    """What one process did on the machine in question, per second."""

    launches: float  # login + launch pairs of one web process
    scores: float  # of one queue worker


@dataclass(frozen=True)
class Habits:
    """How learners and servers behave; each figure is said in docs/capacity.md, with its reason."""

    launches_per_registration: float = 3.0
    reads_per_registration: float = 4.0
    peak_to_mean: float = 10.0
    load: float = 0.6  # of what a process can do: the rest is for what comes at once
    statements_per_launch: float = 9.0
    statements_per_score: float = 36.0  # the exit, its looks, the decision and the delivery
    canvas_seconds_per_score: float = 0.3


@dataclass(frozen=True)
class Demand:
    """What comes at the worst time, per second."""

    name: str
    launches: float
    completions: float


@dataclass(frozen=True)
class Plan:
    """What carries a demand, and what it asks of others."""

    demand: Demand
    web_processes: int
    workers: int
    scorm_cloud_calls: float  # per second
    statements: float  # of the database, per second


def year(registrations: float, habits: Habits) -> Demand:
    """Return the worst second of a year with so many registrations."""
    mean = registrations / SECONDS_IN_A_SCHOOL_YEAR
    peak = mean * habits.peak_to_mean
    name = f"{registrations / 1e6:g} million registrations a year"
    return Demand(name, peak * habits.launches_per_registration, peak)


def rush(launches_per_minute: float) -> Demand:
    """Return a rush to the first page: no learner finishes yet."""
    return Demand(f"{launches_per_minute:,.0f} launches a minute", launches_per_minute / 60, 0.0)


def plan(demand: Demand, measured: Measured, habits: Habits) -> Plan:
    """Return how many processes carry a demand. Raises ValueError for figures that are not above 0.

    One of each kind runs in any case.
    """
    if min(measured.launches, measured.scores, habits.load) <= 0:
        raise ValueError("a process that does nothing cannot carry anything")
    web = demand.launches / (measured.launches * habits.load)
    work = demand.completions / (measured.scores * habits.load)
    first = demand.completions if demand.completions else demand.launches
    return Plan(
        demand=demand,
        web_processes=max(1, math.ceil(web)),
        workers=max(1, math.ceil(work)),
        # A link for each launch, two calls more for each first one, and the looks.
        scorm_cloud_calls=demand.launches
        + 2 * first
        + demand.completions * habits.reads_per_registration,
        statements=demand.launches * habits.statements_per_launch
        + demand.completions * habits.statements_per_score,
    )


def hours_into_canvas(learners: int, habits: Habits) -> float:
    """Return how long one Canvas takes the scores of so many learners, posted one after another."""
    return learners * habits.canvas_seconds_per_score / 3600


def read_measured(results: dict[str, Any], database: str) -> Measured:
    """Return what `make bench` found. Raises ValueError that says which part is missing."""
    launches = _rate(results, ("launches", "figures"), f"bridge, {database}, first launches")
    scores = _rate(results, ("passback", "rates"), f"{database}, no latency")
    return Measured(launches, scores)


def _rate(results: dict[str, Any], place: Sequence[str], name: str) -> float:
    rows: Any = results
    for key in place:
        rows = rows.get(key, {})
    for row in rows:
        if row["name"] == name:
            runs = sorted(row["per_second"])
            return float(runs[len(runs) // 2])
    raise ValueError(f"build/bench.json has no {place[0]!r} of {name!r}: run `make bench` first")


def main() -> int:
    """Print the plans."""
    parser = argparse.ArgumentParser(description="Plan how many processes are needed.")
    parser.add_argument("--launches", type=float, help="pairs per second of one web process")
    parser.add_argument("--scores", type=float, help="scores per second of one worker")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="postgresql")
    options = parser.parse_args()
    if options.launches and options.scores:
        measured = Measured(options.launches, options.scores)
    else:
        try:
            measured = read_measured(json.loads(RESULTS.read_text("utf-8")), options.database)
        except (OSError, ValueError) as error:
            parser.error(f"no figures: {error}; or name them with --launches and --scores")
    habits = Habits()
    print(
        f"one web process: {measured.launches:.0f} launches/s; one worker: {measured.scores:.0f}/s"
    )
    demands = [year(million * 1e6, habits) for million in (1, 10, 100)]
    for one in (plan(demand, measured, habits) for demand in (*demands, rush(10_000))):
        print(
            f"{one.demand.name:<36} {one.demand.launches:>7.1f} launches/s: "
            f"{one.web_processes} web, {one.workers} workers; SCORM Cloud "
            f"{one.scorm_cloud_calls:.0f} calls/s; database {one.statements:.0f} statements/s"
        )
    hours = hours_into_canvas(10_000, habits)
    print(f"10,000 scores of one school into its Canvas, one at a time: {hours:.1f} hours")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
