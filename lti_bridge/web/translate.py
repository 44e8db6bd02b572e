"""Say a page's sentences, numbers and times in its reader's language."""

from datetime import datetime
from typing import Any

from flask import current_app, request

from ..core.paths import PACKAGE
from .languages import ENGLISH, choose_language
from .sentences import plain, recognise

TRANSLATIONS = PACKAGE / "translations"


class Translator:
    """Translates for one page; English needs no catalogue and loads none."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, template: str, **values: object) -> str:
        """Return a marked sentence with its values, numbers in the language's form."""
        if self.language != ENGLISH:
            babel = _babel()
            with babel.force_locale(self.language):
                template = str(babel.get_translations().ugettext(template))
        return template.format(**{name: self._value(value) for name, value in values.items()})

    def stored(self, sentence: str, templates: tuple[str, ...] = ()) -> str:
        """Translate a sentence that a row keeps in English, with its values filled in.

        What no template explains stays as it is.
        """
        if self.language == ENGLISH:
            return sentence
        known = recognise(sentence, templates)
        if known is None:
            return self(sentence.replace("{", "{{").replace("}", "}}"))
        template, values = known
        return self(template, **{name: _number(text) for name, text in values.items()})

    def number(self, value: float) -> str:
        """Return a number as people write it: at most four decimals."""
        if self.language == ENGLISH:
            return f"{round(value, 4):g}"
        babel = _babel()
        with babel.force_locale(self.language):
            return str(babel.format_decimal(round(value, 4), format="#,##0.####"))

    def moment(self, at: datetime) -> str:
        """Return a point of time in UTC, as people write it."""
        if self.language == ENGLISH:
            return at.strftime("%Y-%m-%d %H:%M UTC")
        babel = _babel()
        with babel.force_locale(self.language):
            return f"{babel.format_datetime(at, 'medium', rebase=False)} UTC"

    def _value(self, value: object) -> str:
        return self.number(value) if isinstance(value, float) else plain(value)


def page_translator(locale: str | None = None) -> Translator:
    """Return who speaks on the page that answers this request; `locale` is the launch's."""
    accepted = [wish for wish, quality in request.accept_languages if quality > 0]
    return Translator(choose_language(locale, accepted))


def _number(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text


def _babel() -> Any:
    """Return Flask-Babel, loaded and told its catalogues when the first page needs it.

    Launches that redirect, workers and English pages never do.
    """
    import flask_babel

    if "babel" not in current_app.extensions:
        flask_babel.Babel(
            current_app,
            configure_jinja=False,
            default_translation_directories=str(TRANSLATIONS),
        )
    return flask_babel
