"""Text from outside becomes one line."""

import pytest

from lti_bridge.core.plain_text import counted, one_line


@pytest.mark.parametrize(
    "text, line",
    [
        ("Alice", "Alice"),
        ("  Al  ice\t", "Al ice"),
        ("Al\r\nice", "Al ice"),
        ("Al\x00ice", "Alice"),
        ("Al\x1b[31m\x7f\x85ice", "Al [31m ice"),
        ("Al\u2028ice\u2029", "Al ice"),
        ("\x01\x02", ""),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("Zoë Ångström 李", "Zoë Ångström 李"),
    ],
    ids=[
        "plain",
        "spaces",
        "line break",
        "NUL",
        "escape sequence",
        "line separators",
        "only control characters",
        "joiner",
        "accents and Chinese",
    ],
)
def test_control_characters_go(text, line):
    assert one_line(text) == line


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ((0, "grade"), "0 grades"),
        ((1, "grade"), "1 grade"),
        ((2, "grade"), "2 grades"),
        ((1, "activity", "activities"), "1 activity"),
        ((2, "activity", "activities"), "2 activities"),
    ],
    ids=["0 grades", "1 grade", "2 grades", "1 activity", "2 activities"],
)
def test_number_fits_its_noun(counts, text):
    assert counted(*counts) == text
