"""Text as people read it: on one line that any page can hold, counted in the right number."""

import unicodedata

# Control characters, and what ends a line or paragraph. Not format characters: names in Persian
# or Hindi are written with joiners.
BREAKING = ("Cc", "Zl", "Zp")


def one_line(text: str) -> str:
    """Return `text` without control characters, each run of white space as one space."""
    kept = (" " if unicodedata.category(c) in BREAKING else c for c in text.replace("\0", ""))
    return " ".join("".join(kept).split())


def counted(count: int, one: str, many: str = "") -> str:
    """Return a number with its noun; `many` where the plural has more than an s."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def full_name(first: str | None, last: str | None) -> str:
    """Return a person's name as far as it is known, "" where nothing is."""
    return " ".join(part for part in (first, last) if part)
