"""Which cases of a table may be named by their value: those that are one word each."""

import enum
import re

import pytest

WORD = re.compile(r"[A-Za-z0-9_.:/@' -]{1,60}")


def is_word(value: object) -> bool:
    """Tell whether a value names its case: a short text, an enum member, a class or function."""
    if isinstance(value, enum.Enum):
        return True
    name = value if isinstance(value, str) else getattr(value, "__name__", "")
    return WORD.fullmatch(name) is not None


def joins_values(mark: pytest.Mark) -> bool:
    """Tell whether pytest would name a case by the values of several arguments, joined."""
    names, table = mark.args[:2]
    several = "," in names if isinstance(names, str) else len(names) > 1
    given = type(pytest.param())
    named = all(isinstance(case, given) and case.id is not None for case in table)
    return several and mark.kwargs.get("ids") is None and not named
