"""Comments, docstrings and names are in plain technical English: some words never occur."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
UNWANTED = re.compile(
    r"\b(whoever|somebody|nobody|anybody|mend|mends|mended|for ever|deeds?|seats?)\b",
    re.IGNORECASE,
)
PACKAGES = ("lti_bridge", "lti_sandbox", "tests")
# The packages (files directly in them) and their folders (with all subfolders).
FOLDERS = sorted(
    {
        "/".join(file.relative_to(ROOT).parts[:-1][:2])
        for name in PACKAGES
        for file in ROOT.glob(f"{name}/**/*.py")
    }
)
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def _prose(source: str) -> Iterator[tuple[int, str]]:
    """Yield (line, text) of each comment, docstring, and name of a class or function."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, DOCUMENTED) and (text := ast.get_docstring(node)):
            yield node.body[0].lineno, text
        if isinstance(node, DOCUMENTED) and not isinstance(node, ast.Module):
            yield node.lineno, node.name.replace("_", " ")


def _unwanted(source: str) -> list[str]:
    """Return each unwanted word as "line: word"."""
    return [
        f"{line}: {word}"
        for line, text in _prose(source)
        for word in UNWANTED.findall(" ".join(text.split()))
    ]


@pytest.mark.parametrize("folder", FOLDERS)
def test_prose_has_no_unwanted_words(folder: str):
    files = (ROOT / folder).glob("**/*.py" if "/" in folder else "*.py")

    found = {str(file.relative_to(ROOT)): _unwanted(file.read_text()) for file in files}

    assert found
    assert {name: words for name, words in found.items() if words} == {}


@pytest.mark.parametrize(
    "source, found",
    [
        ("# whoever asks\n", ["1: whoever"]),
        ("x = 1  # Nobody reads it\n", ["1: Nobody"]),
        ('def f():\n    """Wait for\n    ever."""\n', ["2: for ever"]),
        ('class A:\n    """A deed."""\n', ["2: deed"]),
        ("def take_seat(): ...\n", ["1: seat"]),
        ('x = "for somebody who reads a page"\n', []),
        ("amend = 1  # amended, indeed\n", []),
    ],
    ids=[
        "comment",
        "trailing comment",
        "over two lines",
        "class",
        "name",
        "string",
        "longer words",
    ],
)
def test_finds_unwanted_words(source: str, found: list[str]):
    assert _unwanted(source) == found
