"""Text helpers: one clean line, plurals, full names."""

import unicodedata

# Control characters and line separators. Format characters stay: names in Persian or Hindi contain
# joiners.
BREAKING = ("Cc", "Zl", "Zp")


def one_line(text: str) -> str:
    """Return `text` without control characters, each run of white space as one space."""
    kept = (" " if unicodedata.category(c) in BREAKING else c for c in text.replace("\0", ""))
    return " ".join("".join(kept).split())


def counted(count: int, one: str, many: str = "") -> str:
    """Return a number with its noun; `many` is an irregular plural."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def full_name(first: str | None, last: str | None) -> str:
    """Return given and family name as far as they are known, "" for neither."""
    return " ".join(part for part in (first, last) if part)
