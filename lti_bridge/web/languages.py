"""Choose a page's language: the LMS's locale, else the browser's, else English."""

import re
from collections.abc import Iterable

ENGLISH = "en"
LANGUAGES = (ENGLISH, "de", "es", "fr", "pt")
# As LMSs write locales: de, de_DE, pt-BR, es_419, zh_Hant_TW.
_LOCALE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")


def choose_language(claimed: str | None, accepted: Iterable[str]) -> str:
    """Return the first requested language that has a catalogue, else English.

    `claimed` is the launch's locale; `accepted` are the browser's, best first.
    """
    for wish in (claimed or "", *accepted):
        language = re.split("[-_]", wish.strip().lower())[0]
        if language in LANGUAGES:
            return language
    return ENGLISH


def culture_of(locale: str | None) -> str | None:
    """Return a locale in SCORM Cloud's form (de-DE); None for an invalid one."""
    if locale is None or not _LOCALE.fullmatch(locale):
        return None
    return locale.replace("_", "-")
