"""Measure the bridge beside its peers in one run, and say it in ratios.

    python -m tests.benchmarks.bench [--seconds S] [--runs N] [--learners N] [--only PART]

Every figure is the median of the runs. The peers and the bridge take turns within a run, so that
a machine that slows down slows all of them. Writes `build/bench.json`.
"""

import argparse
import json
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import servers
from .console import measure_console
from .databases import databases
from .growth import SIZES, measure_growth
from .latency import measure_latency
from .launches import measure_launches
from .passback import measure_passback
from .soak import measure_soak, show_soak
from .startup import measure_startup
from .way_home import Size, measure_way_home, show_head, show_row

BUILD = servers.ROOT / "build"
Options = argparse.Namespace
# What one part found, for build/bench.json, and whether something failed under load.
Found = tuple[Any, bool]


def launches(directory: Path, options: Options) -> Found:
    """Launch pairs per second, beside the peers."""
    return measure_launches(directory, options.seconds, options.runs)


def latency(directory: Path, options: Options) -> Found:
    """Launches while SCORM Cloud takes its time."""
    return measure_latency(directory, options.seconds, options.runs)


def startup(directory: Path, options: Options) -> Found:
    """From import to the first answer."""
    return measure_startup(directory, options.runs)


def way_home(directory: Path, options: Options) -> Found:
    """The grade's way home on each database, without and with postbacks."""
    size = Size(options.learners, options.timed, options.per_second)
    show_head()
    figures = []
    for postbacks in ("off", "on"):
        with ExitStack() as held:
            for database, url in databases(held, directory / postbacks):
                place = directory / postbacks / database
                place.mkdir(parents=True, exist_ok=True)
                figures.append(measure_way_home(database, url, postbacks, place, size))
                show_row(figures[-1])
    return [asdict(one) for one in figures], any(one.wrong_grades for one in figures)


def passback(directory: Path, options: Options) -> Found:
    """Scores per second of a worker, and launches beside a backlog."""
    return measure_passback(directory, options.scores, options.runs)


def growth(directory: Path, options: Options) -> Found:
    """The same things with ever more registrations."""
    return measure_growth(directory, tuple(options.sizes), options.seconds, options.runs)


def console(directory: Path, options: Options) -> Found:
    """The console's pages with many registrations."""
    return measure_console(directory)


def soak(directory: Path, options: Options) -> Found:
    """Memory over an hour of load."""
    found = measure_soak(directory, options.minutes)
    show_soak(found, options.minutes)
    return asdict(found), bool(found.wrong_grades)


# Runs when it is asked for alone.
LONG = "soak"
PARTS: dict[str, Callable[[Path, Options], Found]] = {
    "launches": launches,
    "latency": latency,
    "startup": startup,
    "way-home": way_home,
    "passback": passback,
    "growth": growth,
    "console": console,
    LONG: soak,
}


def write(found: dict[str, Any], options: Options) -> None:
    """Keep everything for those who compare runs."""
    BUILD.mkdir(exist_ok=True)
    everything = {"options": vars(options), **found}
    (BUILD / "bench.json").write_text(json.dumps(everything, indent=2) + "\n", encoding="utf-8")


def main() -> int:
    """Run every benchmark; the exit status is 1 when a server failed under load."""
    parser = argparse.ArgumentParser(description="Measure the bridge beside its peers.")
    parser.add_argument("--seconds", type=float, default=6.0, help="length of each run")
    parser.add_argument("--runs", type=int, default=3, help="the median of these counts")
    parser.add_argument("--learners", type=int, default=1000, help="whose reads are counted")
    parser.add_argument("--timed", type=int, default=15, help="learners for each lag, timed")
    parser.add_argument("--per-second", type=float, default=3.0, help="how fast they come")
    parser.add_argument("--scores", type=int, default=2000, help="that a worker sends in a run")
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=SIZES, help="of the growing database"
    )
    parser.add_argument("--minutes", type=float, default=60.0, help="of the soak")
    parser.add_argument("--only", choices=list(PARTS), help="leave out the rest")
    options = parser.parse_args()
    found: dict[str, Any] = {}
    failed = False
    with tempfile.TemporaryDirectory() as directory:
        for name, run in PARTS.items():
            if name != options.only and (options.only is not None or name == LONG):
                continue
            place = Path(directory) / name
            place.mkdir()
            found[name.replace("-", "_")], wrong = run(place, options)
            failed = failed or wrong
            write(found, options)  # after each part: the last ones take long
            print()
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
