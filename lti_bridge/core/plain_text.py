"""Text from outside as one line that any log, header or page can hold."""

import unicodedata

# Control characters, and what ends a line or paragraph. Not format characters: names in Persian
# or Hindi are written with joiners.
BREAKING = ("Cc", "Zl", "Zp")


def one_line(text: str) -> str:
    """Return `text` without control characters, each run of white space as one space."""
    kept = (" " if unicodedata.category(c) in BREAKING else c for c in text.replace("\0", ""))
    return " ".join("".join(kept).split())
