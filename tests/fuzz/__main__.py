"""The full fuzz: `make fuzz`, or `python -m tests.fuzz --seed S --requests N`."""

import argparse
import secrets
import sys
import tempfile
from pathlib import Path

from tests.fuzz.fuzzer import Broken
from tests.fuzz.run import run_fuzz


def main() -> int:
    """Run, and print the figures or the request that broke a promise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", default=secrets.token_hex(4))
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--start", type=int, default=0, help="number of the first request")
    parser.add_argument("--minutes", type=float, default=30, help="stop then, whatever was sent")
    given = parser.parse_args()
    print(f"fuzz with seed {given.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="lti-bridge-fuzz-") as folder:
        try:
            seconds = given.minutes * 60
            figures = run_fuzz(Path(folder), given.seed, given.requests, seconds, given.start)
        except Broken as broken:
            print(broken, file=sys.stderr)
            return 1
    print(figures)
    return 0 if figures.requests == given.requests else 1


if __name__ == "__main__":
    sys.exit(main())
