"""Sentences that people read: marked for translation here, translated where a page is made.

Rows keep such a sentence as its code and values (`core.db.SentenceText`), so that it can be worded
anew and read in any language. The English text of older releases is read back by the same
templates.
"""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

_MARK = "#"  # before a code in a row; no English sentence begins so


def N_(sentence: str) -> str:
    """Return the sentence as it is: the mark is for `make messages`, which collects them."""
    return sentence


class Sentence(str):
    """A sentence in English, and what it was made of: the template, and the values in it.

    `code` names the template in rows; it is empty for what no row keeps.
    """

    code: str
    template: str
    values: Mapping[str, object]

    def __new__(
        cls, template: str, code: str = "", values: Mapping[str, object] | None = None
    ) -> "Sentence":
        values = dict(values or {})
        filled = {name: plain(value) for name, value in values.items()}
        self = super().__new__(cls, template.format(**filled) if filled else template)
        self.code, self.template, self.values = code, template, values
        return self

    def fill(self, **values: object) -> "Sentence":
        """Return the sentence with its placeholders filled."""
        return Sentence(self.template, self.code, values)


CODED: dict[str, Sentence] = {}  # every sentence that rows may keep, by its code


def coded(code: str, template: str) -> Sentence:
    """Return a sentence that rows may keep, marked as `N_` does; a code never changes."""
    assert code not in CODED, f"two sentences have the code {code}"
    CODED[code] = Sentence(template, code)
    return CODED[code]


def to_row(text: str) -> str:
    """Return what a row keeps of a sentence: code and values where it has a code, else the text."""
    if not isinstance(text, Sentence) or not text.code:
        return str(text)
    values = json.dumps(dict(text.values), ensure_ascii=False) if text.values else ""
    return f"{_MARK}{text.code} {values}".rstrip()


def as_sentence(text: str) -> Sentence:
    """Return what a row keeps, or any text, with what it was made of, as far as is known."""
    return text if isinstance(text, Sentence) else _read(text)


@lru_cache(maxsize=1024)
def _read(kept: str) -> Sentence:
    if not kept.startswith(_MARK):
        return _recognise(kept)
    code, _, values = kept[len(_MARK) :].partition(" ")
    try:
        return CODED[code].fill(**json.loads(values)) if values else CODED[code]
    except (LookupError, TypeError, ValueError):  # of another release
        return Sentence(kept)


def _recognise(text: str) -> Sentence:
    """Return an English sentence with what it was made of. Of two templates that fit, the longer
    says more of it."""
    for one in sorted(CODED.values(), key=len, reverse=True):
        found = _pattern(one.template).fullmatch(text)
        if found is not None:
            values: dict[str, Any] = {name: _number(it) for name, it in found.groupdict().items()}
            return one.fill(**values)
    return Sentence(text)


@lru_cache(maxsize=256)
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+?)", re.escape(template)))


def _number(text: str) -> object:
    """Return the number that English writes so, else the text."""
    try:
        number = float(text)
    except ValueError:
        return text
    return number if plain(number) == text else text


def plain(value: object) -> str:
    """Return a value as English writes it; numbers without needless digits."""
    return f"{value:g}" if isinstance(value, float) else str(value)
