"""Translate a page's sentences, numbers and times."""

from datetime import datetime
from functools import cache
from io import BytesIO
from typing import Any

from flask import request

from ..core.paths import PACKAGE
from ..core.sentences import as_sentence, plain
from .languages import ENGLISH, choose_language

TRANSLATIONS = PACKAGE / "translations"


class Translator:
    """Translator of one page. English needs no catalogue, so Babel is loaded only for others."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, template: str, **values: object) -> str:
        """Return a marked sentence with its values, numbers in the language's format."""
        if self.language != ENGLISH:
            template = str(_catalogue(self.language).ugettext(template))
        filled = {name: self._value(value) for name, value in values.items()}
        return template.format(**filled) if filled else template

    def stored(self, sentence: str) -> str:
        """Translate a sentence stored in a row; unknown ones stay unchanged."""
        said = as_sentence(sentence)
        return self(said.template, **said.values)

    def number(self, value: float) -> str:
        """Format a number with at most four decimals."""
        if self.language == ENGLISH:
            return f"{round(value, 4):g}"
        from babel.numbers import format_decimal

        return format_decimal(round(value, 4), format="#,##0.####", locale=self.language)

    def moment(self, at: datetime) -> str:
        """Format a time in UTC."""
        if self.language == ENGLISH:
            return at.strftime("%Y-%m-%d %H:%M UTC")
        from babel.dates import format_datetime

        return f"{format_datetime(at, 'medium', locale=self.language)} UTC"

    def _value(self, value: object) -> str:
        return self.number(value) if isinstance(value, float) else plain(value)


def page_translator(locale: str | None = None) -> Translator:
    """Return the translator for the current request; `locale` is the launch's."""
    accepted = [wish for wish, quality in request.accept_languages if quality > 0]
    return Translator(choose_language(locale, accepted))


@cache
def _catalogue(language: str) -> Any:
    """Return a language's catalogue, compiled once per process (takes milliseconds)."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po
    from babel.support import Translations

    compiled = BytesIO()
    with (TRANSLATIONS / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return Translations(compiled)
