"""Which language a visitor gets, and how a locale is told to SCORM Cloud."""

import pytest

from lti_bridge.web.languages import choose_language, culture_of


@pytest.mark.parametrize(
    "claimed, accepted, language",
    [
        ("de_DE", [], "de"),
        ("de-AT", ["fr"], "de"),
        ("pt-BR", [], "pt"),
        ("es_419", [], "es"),
        ("fr-CA", [], "fr"),
        ("EN-gb", ["de"], "en"),
        ("ja", ["de-CH", "fr"], "de"),
        ("ja", ["zh", "fr"], "fr"),
        (None, ["es", "de"], "es"),
        ("", ["pt-PT"], "pt"),
        (None, [], "en"),
        ("ja", ["zh"], "en"),
        ("../../de", [], "en"),
        ("deutsch", [], "en"),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, list) else str(value),
)
def test_chooses_the_first_wish_we_have(claimed, accepted, language):
    assert choose_language(claimed, accepted) == language


@pytest.mark.parametrize(
    "locale, culture",
    [
        ("de_DE", "de-DE"),
        ("pt-BR", "pt-BR"),
        ("es_419", "es-419"),
        ("en", "en"),
        ("zh_Hant_TW", "zh-Hant-TW"),
        (None, None),
        ("", None),
        ("de\n", None),
        ("C.UTF-8", None),
    ],
    ids=[
        "underscore",
        "tag",
        "region by number",
        "language alone",
        "script and region",
        "none",
        "empty",
        "line break",
        "C.UTF-8",
    ],
)
def test_culture_is_a_plain_tag(locale, culture):
    assert culture_of(locale) == culture
