"""Text from outside becomes one line."""

import pytest

from lti_bridge.core.plain_text import one_line


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
)
def test_control_characters_go(text, line):
    assert one_line(text) == line
