"""How many tests of each kind passed: one line per kind, from pytest's JUnit reports.

    python -m tests.kinds [--complete] REPORT.xml …

With `--complete` a kind without a passed test, or with a skipped one, is a failure.
"""

import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

from tests.test_architecture import PURE

REST = "everything else"
KINDS = (
    "decisions",
    "doors",
    "stories",
    "certification",
    "migrations on SQLite",
    "migrations on PostgreSQL",
    "browser, Canvas",
    "browser, Moodle",
    REST,
)
FOLDERS = {
    "lti": "doors",
    "scorm_cloud": "doors",
    "queue": "doors",
    "story": "stories",
    "certification": "certification",
}


def kind_of(module: str, name: str) -> str:
    """Return the kind of a test by its module (`tests.lti.test_claims`) and its name with ids."""
    path = module.removeprefix("tests.").replace("test_", "")
    folder = path.split(".")[0]
    if path in PURE:
        return "decisions"
    if path == "migrations":
        return f"migrations on {'PostgreSQL' if 'postgresql' in name else 'SQLite'}"
    if folder == "browser":
        return f"browser, {'Moodle' if 'moodle' in name else 'Canvas'}"
    return FOLDERS.get(folder, REST)


def count(reports: Iterable[str]) -> tuple[Counter[str], Counter[str]]:
    """Return the passed and the skipped tests of each kind; a test run again counts once."""
    outcomes: dict[tuple[str, str], str] = {}
    for report in reports:
        for case in ElementTree.fromstring(report).iter("testcase"):
            test = case.get("classname", ""), case.get("name", "")
            kept = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
            outcomes[test] = kept[0] if kept else "passed"
    passed, skipped = Counter[str](), Counter[str]()
    for (module, name), outcome in outcomes.items():
        passed[kind_of(module, name)] += outcome == "passed"
        skipped[kind_of(module, name)] += outcome == "skipped"
    return passed, skipped


def gaps(passed: Counter[str], skipped: Counter[str]) -> list[str]:
    """Return a sentence for each kind that did not run, or not whole."""
    missing = [f"no test passed: {kind}" for kind in KINDS if not passed[kind]]
    return missing + [f"{skipped[kind]} skipped: {kind}" for kind in KINDS if skipped[kind]]


def main(arguments: list[str]) -> int:
    """Print the lines; returns 1 when something that must be complete is not."""
    reports = [Path(name).read_text("utf-8") for name in arguments if name != "--complete"]
    passed, skipped = count(reports)
    for kind in KINDS:
        left_out = f", {skipped[kind]} skipped" if skipped[kind] else ""
        print(f"{kind:<26}{passed[kind]:>6} passed{left_out}")
    found = gaps(passed, skipped) if "--complete" in arguments else []
    for sentence in found:
        print(sentence, file=sys.stderr)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
