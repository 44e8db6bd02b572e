"""Sentences, numbers and times in the reader's language."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from flask import Flask

from lti_bridge.passback.rules.reasons import SAYINGS
from lti_bridge.web.languages import LANGUAGES
from lti_bridge.web.rejections import REJECTIONS
from lti_bridge.web.sentences import format_message, recognise
from lti_bridge.web.translate import Translator

AT = datetime(2026, 11, 2, 9, 5, tzinfo=UTC)


@pytest.fixture
def inside() -> Iterator[Flask]:
    """An app that has not shown a page yet."""
    app = Flask("speaking")
    with app.app_context():
        yield app


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one != "en"])
def test_every_rejection_is_translated(inside, language):
    speaker = Translator(language)
    for reason, rejection in REJECTIONS.items():
        for english in (rejection.title, rejection.happened, rejection.how, rejection.lead):
            assert speaker(english) not in ("", english), reason


@pytest.mark.parametrize(
    "language, number, sentence",
    [
        ("en", "87.5", "The course reported a score of 87.5."),
        ("de", "87,5", "Der Kurs hat 87,5 Punkte gemeldet."),
        ("es", "87,5", "El curso comunicó una puntuación de 87,5."),
        ("fr", "87,5", "Le cours a communiqué un score de 87,5."),
        ("pt", "87,5", "O curso informou uma pontuação de 87,5."),
    ],
)
def test_kept_sentence_speaks_with_its_number(inside, language, number, sentence):
    speaker = Translator(language)

    assert speaker.number(87.5) == number
    assert speaker.stored("The course reported a score of 87.5.", SAYINGS) == sentence


def test_unknown_sentence_stays_as_it_is(inside):
    assert Translator("de").stored("Something {odd} of before.", SAYINGS) == (
        "Something {odd} of before."
    )


def test_times_have_the_language_s_form(inside):
    assert Translator("en").moment(AT) == "2026-11-02 09:05 UTC"
    assert Translator("de").moment(AT).startswith("02.11.2026")


@pytest.mark.parametrize("template", SAYINGS, ids=lambda template: template[:40])
def test_sayings_are_recognised(template):
    values = {"score": 12.5, "count": 3, "status": 503, "who": "Ida {x} Ivarsson", "said": "no"}
    values |= {"held": 77, "ours": 97.5, "until": "noon"}
    used = {name: value for name, value in values.items() if f"{{{name}}}" in template}

    found = recognise(format_message(template, **used), SAYINGS)

    assert found == (template, {name: str(value) for name, value in used.items()})


def test_english_needs_no_catalogue(inside):
    assert Translator("en")("{score} of 100", score=40.0) == "40 of 100"
    assert "babel" not in inside.extensions

    assert Translator("fr")("{score} of 100", score=40.0) == "40 sur 100"
    assert "babel" in inside.extensions
