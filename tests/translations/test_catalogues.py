"""Every sentence is in every catalogue, with its placeholders."""

import re

import pytest

from lti_bridge.web.languages import ENGLISH, LANGUAGES
from tests.translations.catalogues import path_of, read
from tests.translations.collect import collect

OTHERS = [language for language in LANGUAGES if language != ENGLISH]


def blanks(sentence: str) -> set[str]:
    return set(re.findall(r"\{\w*\}|`[^`]+`", sentence))


@pytest.mark.parametrize("language", LANGUAGES)
def test_catalogue_has_exactly_the_sentences(language: str) -> None:
    catalogue = {message.id: message.string for message in read(language) if message.id}

    assert set(catalogue) == set(collect()), "run `make messages`"
    assert [sentence for sentence, text in catalogue.items() if not text] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_and_commands_stay(language: str) -> None:
    differing = [m.id for m in read(language) if m.id and blanks(m.id) != blanks(m.string)]

    assert differing == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_end_alike(language: str) -> None:
    differing = [m.id for m in read(language) if m.id.endswith(".") != m.string.endswith(".")]

    assert differing == []


@pytest.mark.parametrize("language", OTHERS)
def test_machine_made_catalogue_says_so(language: str) -> None:
    head = path_of(language).read_text("utf-8").split("msgid")[0]

    assert "Made by a machine" in head


def test_english_says_what_the_code_says() -> None:
    assert [m.id for m in read(ENGLISH) if m.id and m.id != m.string] == []
