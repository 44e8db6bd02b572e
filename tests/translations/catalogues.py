"""Bring the catalogues up to date with the code."""

import io
import re
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from lti_bridge.web.languages import ENGLISH, LANGUAGES
from lti_bridge.web.translate import TRANSLATIONS

from .collect import FLAGS, collect

HUMAN = "# {name} words of LTI Bridge, as the code has them: change them there."
MACHINE = (
    "# {name} words of LTI Bridge.\n"
    "# Made by a machine: a native speaker has not reviewed them yet. Please correct what sounds\n"
    "# wrong, run `make messages`, and remove this note once you have read them all."
)


def path_of(language: str) -> Path:
    """Return where a language's catalogue lies."""
    return TRANSLATIONS / language / "LC_MESSAGES" / "messages.po"


def read(language: str) -> Catalog:
    """Return a language's catalogue as its file has it; an empty one when there is none."""
    path = path_of(language)
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def refresh(language: str, added: dict[str, str] | None = None) -> Catalog:
    """Return the catalogue with exactly the sentences of now; what is new stays empty.

    `added` are translations to put in. English says what the code says.
    """
    before, after = read(language), Catalog(locale=language)
    name = after.locale.english_name if after.locale is not None else language
    note = HUMAN if language == ENGLISH else MACHINE
    after.header_comment = before.header_comment if before else note.format(name=name)
    for sentence, places in sorted(collect().items()):
        known = before.get(sentence)
        text = (added or {}).get(sentence) or (known.string if known is not None else "")
        text = sentence if language == ENGLISH else text
        files = [(path, None) for path in sorted({path for path, _ in places})]
        flags = FLAGS if "{" in sentence else ()
        after.add(sentence, text, locations=files, flags=flags)
    return after


def po_bytes(catalogue: Catalog) -> bytes:
    """Return the catalogue's text; without dates and versions, so that only words change it."""
    buffer = io.BytesIO()
    write_po(buffer, catalogue, width=100, include_lineno=False)
    kept = re.sub(
        rb'^"(POT-Creation-Date|PO-Revision-Date|Generated-By|Project-Id-Version'
        rb'|Report-Msgid-Bugs-To|Last-Translator|Language-Team): .*\\n"\n',
        b"",
        buffer.getvalue(),
        flags=re.MULTILINE,
    )
    return kept.replace(b"#, fuzzy\nmsgid", b"msgid", 1)


def write_all(added: dict[str, dict[str, str]] | None = None) -> dict[str, int]:
    """Write every catalogue; returns how many sentences each lacks."""
    missing = {}
    for language in LANGUAGES:
        catalogue = refresh(language, (added or {}).get(language))
        path_of(language).parent.mkdir(parents=True, exist_ok=True)
        path_of(language).write_bytes(po_bytes(catalogue))
        missing[language] = sum(1 for message in catalogue if message.id and not message.string)
    return missing
