"""The full run: `make crash`, or `python -m tests.crash --seed S --modes sqlite redis`."""

import argparse
import secrets
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from tests.crash.report import Figures, table, write_json
from tests.crash.run import Size, run_crash
from tests.crash.world import MODES

REPORT = Path(__file__).resolve().parents[2] / "build" / "crash.json"


def main() -> int:
    """Run each mode, print the table, write build/crash.json and the nodes' logs beside it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--learners", type=int, default=200)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", default=secrets.token_hex(4))
    parser.add_argument("--minutes", type=float, default=15, help="bound of each mode's run")
    parser.add_argument("--pause", type=float, default=2, help="seconds between two kills")
    parser.add_argument("--rate", type=float, default=2, help="sessions in a second")
    parser.add_argument("--modes", nargs="+", choices=list(MODES), default=list(MODES))
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that servers of ours are ended
    size = Size(given.learners, given.kills, given.seed, given.minutes, given.pause, given.rate)
    REPORT.parent.mkdir(exist_ok=True)
    runs: list[Figures] = []
    for name in given.modes:
        print(f"{name} with seed {given.seed} …", flush=True)
        runs.append(_run(name, size))
        write_json(runs, REPORT)
    print(table(runs))
    return 0 if all(run.holds for run in runs) else 1


def _run(name: str, size: Size) -> Figures:
    folder = Path(tempfile.mkdtemp(prefix="lti-bridge-crash-"))
    folder.chmod(0o755)  # PostgreSQL runs as another user than root
    figures = run_crash(MODES[name], folder, size, say=lambda text: print(f"  {text}", flush=True))
    shutil.copy(folder / "nodes.log", REPORT.with_name(f"crash-{name}.log"))
    if figures.holds:
        shutil.rmtree(folder)
    else:
        print(f"{name}: a promise is broken; databases and logs are kept in {folder}")
    return figures


if __name__ == "__main__":
    sys.exit(main())
