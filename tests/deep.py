"""Every part of the depth, each to its end, and one table of verdicts at the end.

    python -m tests.deep [PART …]

A part is a target of the Makefile. What it prints goes to build/reports/deep-PART.txt.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

PARTS = ("rest", "interleavings", "browser", "packages", "second-library", "fuzz", "crash")
REPORTS = Path("build/reports")
Run = Callable[[Sequence[str], TextIO], int]


@dataclass(frozen=True)
class Verdict:
    """How one part ended."""

    part: str
    passed: bool
    seconds: float
    report: Path

    def __str__(self) -> str:
        word = "passed" if self.passed else "FAILED"
        where = "" if self.passed else f"  {self.report}"
        return f"{self.part:<16}{word:<8}{self.seconds:>6.0f} s{where}"


def run_part(part: str, folder: Path, run: Run) -> Verdict:
    """Run one part to its end; what it prints goes to a file in `folder`."""
    report = folder / f"deep-{part}.txt"
    began = time.monotonic()
    with report.open("w", encoding="utf-8") as output:
        status = run(["make", "--no-print-directory", part], output)
    return Verdict(part, status == 0, time.monotonic() - began, report)


def run_parts(parts: Sequence[str], folder: Path, run: Run) -> list[Verdict]:
    """Run parts one after the other, whatever becomes of them, and print their table."""
    folder.mkdir(parents=True, exist_ok=True)
    verdicts = []
    for part in parts:
        print(f"{part} …", flush=True)
        verdicts.append(run_part(part, folder, run))
        print(verdicts[-1], flush=True)
    print("\n" + "\n".join(["part            verdict seconds", *map(str, verdicts)]), flush=True)
    return verdicts


def main(wanted: Sequence[str]) -> int:
    """Run the wanted parts, or all; returns 0 when all passed, 2 for an unknown part."""
    if unknown := [part for part in wanted if part not in PARTS]:
        print(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2

    def run(command: Sequence[str], output: TextIO) -> int:
        return subprocess.run(command, stdout=output, stderr=output, check=False).returncode

    return 0 if all(v.passed for v in run_parts(wanted or PARTS, REPORTS, run)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
