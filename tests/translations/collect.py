"""Find every sentence that is marked for translation, in the code and in the templates."""

import ast
from collections.abc import Iterator
from pathlib import Path

from jinja2.ext import babel_extract

ROOT = Path(__file__).resolve().parents[2]
# Calls whose plain strings are sentences, and which arguments they are. A Rejection's words stand
# in one table, where a mark on every one of them would hide them.
MARKS: dict[str, tuple[int, ...]] = {
    "N_": (0,),
    "coded": (1,),
    "_from_course": (0,),
    "_unverified": (0,),
    "Rejection": (1, 2, 4),
}
# Tells translators, and their editors, that what stands in braces must stay.
FLAGS = {"python-brace-format"}


def collect() -> dict[str, list[tuple[str, int]]]:
    """Return each sentence with the places where it stands."""
    found: dict[str, list[tuple[str, int]]] = {}
    for path in sorted((ROOT / "lti_bridge").rglob("*.py")):
        for sentence, line in _in_code(path):
            found.setdefault(sentence, []).append((path.relative_to(ROOT).as_posix(), line))
    for path in sorted((ROOT / "templates").rglob("*.html")):
        for sentence, line in _in_template(path):
            found.setdefault(sentence, []).append((path.relative_to(ROOT).as_posix(), line))
    return found


def _in_code(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            for position in MARKS.get(node.func.id, ()):
                argument = node.args[position] if position < len(node.args) else None
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.value, argument.lineno


def _in_template(path: Path) -> Iterator[tuple[str, int]]:
    with path.open("rb") as file:
        for line, _, message, _ in babel_extract(file, ("_",), (), {"encoding": "utf-8"}):
            # With placeholders it comes first, what fills them follows as None.
            sentence = message[0] if isinstance(message, tuple) else message
            if isinstance(sentence, str):
                yield sentence, line
