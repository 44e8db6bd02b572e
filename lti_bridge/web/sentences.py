"""Sentences that people read: marked for translation here, translated where a page is made."""

import re
from collections.abc import Iterable


def N_(sentence: str) -> str:
    """Return the sentence as it is: the mark is for `make messages`, which collects them."""
    return sentence


def format_message(template: str, **values: object) -> str:
    """Return a marked template with its placeholders filled, in English."""
    return template.format(**{name: plain(value) for name, value in values.items()})


def plain(value: object) -> str:
    """Return a value as English writes it; numbers without needless digits."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def recognise(sentence: str, templates: Iterable[str]) -> tuple[str, dict[str, str]] | None:
    """Return the template that a sentence was made of, and its values; None if there is none."""
    for template in templates:
        found = _pattern(template).fullmatch(sentence)
        if found is not None:
            return template, found.groupdict()
    return None


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+?)", re.escape(template)))
