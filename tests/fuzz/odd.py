"""Odd values, and one small change to a value that was good."""

import copy
import json
import string
import sys
from random import Random
from typing import Any

from tests.door import HOSTILE

TEXTS = [
    "",
    " ",
    "\0",
    "a\0b",
    "\ud800",
    "é",
    "🎓" * 200,
    "x" * 300,
    "x" * 5000,
    HOSTILE,
    "'; DROP TABLE launch; --",
    "$Canvas.user.id",
    "javascript:alert(1)",
    "http://evil.example/",
    "//evil.example",
    "http://bridge.example@evil.example/",
    "http://[::1",
    "http://bridge.example:99999/",
    "https://a.example; script-src *",
    "x\r\nSet-Cookie: a=b",
    "../../etc/passwd",
    "%s%n{0}{{7*7}}",
    "\u202eabc",
    "1.3.0 ",
    "Ａ",
    "NaN",
    "-1",
    "1e999",
    "null",
]
NUMBERS: list[Any] = [None, True, False, 0, -1, 5, 1.5, 1e308, 10**20, 10**400, -(2**63) - 1]
NUMBERS += [float("nan"), float("inf")]
LETTERS = string.ascii_letters + string.digits + "-_.=~%+ \"'<>\0é"


def odd_value(random: Random) -> Any:
    """Return something that no sender of good will would send."""
    kind = random.randrange(4)
    if kind == 0:
        return random.choice(NUMBERS)
    if kind == 1:
        return odd_text(random)
    if kind == 2:
        return random.choice(
            ([], [None], ["a"] * 500, [[]], [odd_text(random)], {}, {"id": None}, {"id": "x"})
        )
    return deep(random.choice((3, 100, 400, 700, 850, 900, 950, 980, 2000)), random.random() < 0.5)


def odd_text(random: Random) -> str:
    return random.choice(TEXTS)


def deep(levels: int, in_lists: bool) -> Any:
    """Return a value inside so many others."""
    value: Any = "bottom"
    for _ in range(levels):
        value = [value] if in_lists else {"a": value}
    return value


def dump(value: Any) -> bytes:
    """Return JSON, also of what is too deep for a usual recursion limit."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    try:
        return json.dumps(value).encode()
    finally:
        sys.setrecursionlimit(limit)


def change_text(random: Random, text: str) -> str:
    """Return `text` with one small change: never the same text."""
    place = random.randrange(len(text) + 1)
    kind = random.randrange(6)
    letter = random.choice(LETTERS)
    changed = {
        0: text[:place] + letter + text[place:],
        1: text[:place] + text[place + 1 :],
        2: text[:place] + letter + text[place + 1 :],
        3: text[:place],
        4: text + text,
        5: text.swapcase(),
    }[kind]
    return changed if changed != text else text + letter


def change_claims(random: Random, payload: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the payload with one change somewhere in it, and where."""
    payload = copy.deepcopy(payload)
    owner, key = random.choice(list(_places(payload)))
    kind = random.randrange(5)
    if kind == 0:
        del owner[key]
    elif kind == 1 and isinstance(owner[key], str):
        owner[key] = change_text(random, owner[key])
    elif kind == 2 and isinstance(owner[key], int):
        owner[key] += random.choice((-(10**6), -1000, -61, -1, 1, 61, 1000, 10**6, 0.5))
    elif kind == 3:
        owner[key] = random.choice(([owner[key]], {"a": owner[key]}, [owner[key], owner[key]]))
    else:
        owner[key] = odd_value(random)
    return payload, f"claim {key}"


def _places(value: Any) -> Any:
    """Yield each place inside a payload: its owner and key."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(items):
        yield value, key
        if isinstance(inner, dict | list):
            yield from _places(inner)
