"""Sentences, numbers and times in the reader's language."""

import subprocess
import sys
from datetime import UTC, datetime

import pytest

from lti_bridge.passback.rules.reasons import REPORTED
from lti_bridge.web.languages import LANGUAGES
from lti_bridge.web.rejections import REJECTIONS
from lti_bridge.web.translate import Translator

AT = datetime(2026, 11, 2, 9, 5, tzinfo=UTC)


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one != "en"])
def test_every_rejection_is_translated(language):
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
    ids=["en", "de", "es", "fr", "pt"],
)
def test_kept_sentence_speaks_with_its_number(language, number, sentence):
    speaker = Translator(language)

    assert speaker.number(87.5) == number
    assert speaker.stored(REPORTED.fill(score=87.5)) == sentence


def test_unknown_sentence_stays_as_it_is():
    assert Translator("de").stored("Something {odd} of before.") == ("Something {odd} of before.")


def test_times_have_the_language_s_form():
    assert Translator("en").moment(AT) == "2026-11-02 09:05 UTC"
    assert Translator("de").moment(AT).startswith("02.11.2026")


def test_english_needs_no_catalogue():
    loaded = "import sys; from lti_bridge.web.translate import Translator; "
    english = "print(Translator('en')('{score} of 100', score=40.0), 'babel' in sys.modules)"
    said = subprocess.run(
        [sys.executable, "-c", loaded + english], capture_output=True, text=True, check=True
    )

    assert said.stdout.strip() == "40 of 100 False"
    assert Translator("fr")("{score} of 100", score=40.0) == "40 sur 100"
