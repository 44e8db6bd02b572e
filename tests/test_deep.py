"""The depth runs to its end and says how each part ended."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from tests.deep import PARTS, main, run_parts


def test_failing_part_stops_nothing(tmp_path: Path, capsys) -> None:
    def run(command: Sequence[str], output: TextIO) -> int:
        output.write("what it said")
        return 1 if command[-1] == "fuzz" else 0

    verdicts = run_parts(["fuzz", "crash"], tmp_path / "reports", run)

    assert [(one.part, one.passed) for one in verdicts] == [("fuzz", False), ("crash", True)]
    assert verdicts[0].report.read_text("utf-8") == "what it said"
    table = capsys.readouterr().out.splitlines()[-2:]
    assert re.match(r"fuzz +FAILED +0 s  .*deep-fuzz.txt", table[0])
    assert re.match(r"crash +passed +0 s$", table[1])


def test_every_part_is_a_target() -> None:
    makefile = (Path(__file__).parents[1] / "Makefile").read_text("utf-8")

    assert [part for part in PARTS if not re.search(rf"^{part}: ", makefile, re.M)] == []


def test_unknown_part_is_told(capsys) -> None:
    assert main(["everything"]) == 2
    assert "no such part: everything" in capsys.readouterr().err
