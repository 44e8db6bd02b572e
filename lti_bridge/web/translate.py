"""Say a page's sentences, numbers and times in its reader's language."""

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
    """Translates for one page. English needs no catalogue: launches that redirect, workers and
    English pages never load Babel."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, template: str, **values: object) -> str:
        """Return a marked sentence with its values, numbers in the language's form."""
        if self.language != ENGLISH:
            template = str(_catalogue(self.language).ugettext(template))
        filled = {name: self._value(value) for name, value in values.items()}
        return template.format(**filled) if filled else template

    def stored(self, sentence: str) -> str:
        """Translate a sentence that a row keeps; one that nothing is known of stays as it is."""
        said = as_sentence(sentence)
        return self(said.template, **said.values)

    def number(self, value: float) -> str:
        """Return a number as people write it: at most four decimals."""
        if self.language == ENGLISH:
            return f"{round(value, 4):g}"
        from babel.numbers import format_decimal

        return format_decimal(round(value, 4), format="#,##0.####", locale=self.language)

    def moment(self, at: datetime) -> str:
        """Return a point of time in UTC, as people write it."""
        if self.language == ENGLISH:
            return at.strftime("%Y-%m-%d %H:%M UTC")
        from babel.dates import format_datetime

        return f"{format_datetime(at, 'medium', locale=self.language)} UTC"

    def _value(self, value: object) -> str:
        return self.number(value) if isinstance(value, float) else plain(value)


def page_translator(locale: str | None = None) -> Translator:
    """Return who speaks on the page that answers this request; `locale` is the launch's."""
    accepted = [wish for wish, quality in request.accept_languages if quality > 0]
    return Translator(choose_language(locale, accepted))


@cache
def _catalogue(language: str) -> Any:
    """Return a language's catalogue, compiled once in each process, in some milliseconds."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po
    from babel.support import Translations

    compiled = BytesIO()
    with (TRANSLATIONS / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return Translations(compiled)
