"""Redaction of secrets and personal data in log lines, as the last line of defence.

The bridge's own messages contain none; libraries log URLs, and exceptions quote their input.
"""

import re
import traceback

from ..core.errors import BridgeError

GONE = "…"
PATTERNS = (
    # Tokens in our paths, and credentials in headers.
    (re.compile(r"/(exit|postback)/[^/\s\"'?#]+"), rf"/\1/{GONE}"),
    (re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]+", re.I), rf"\1 {GONE}"),
    # Queries contain states, login hints and user ids; a URL may contain a password.
    (re.compile(r"\?[^\s\"'<>)]*"), f"?{GONE}"),
    (re.compile(r"://[^/\s@]+@"), f"://{GONE}@"),
    # JWTs; itsdangerous tokens; Fernet tokens.
    (re.compile(r"\beyJ[\w-]{8,}(\.[\w-]*)*"), GONE),
    (re.compile(r"\.?[\w-]+\.[\w-]{5,7}\.[\w-]{27,}"), GONE),
    (re.compile(r"\bgAAAA[\w=-]{20,}"), GONE),
    (re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+"), GONE),
)
QUOTED = re.compile(r"""(["'])(?:(?!\1).)+\1""")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def redact(text: str) -> str:
    """Return a text without tokens, URL queries and e-mail addresses."""
    for pattern, instead in PATTERNS:
        text = pattern.sub(instead, text)
    return text


def one_line(text: str) -> str:
    """Return a text with its line breaks escaped."""
    return CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def describe_failure(error: BaseException) -> str:
    """Return an exception's place, with its message as far as that may be logged."""
    parts: list[str] = []
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        frames = "".join(traceback.format_tb(following.__traceback__))
        parts.insert(0, f"{frames}{type(following).__name__}: {_message(following)}")
        hidden = following.__suppress_context__
        following = following.__cause__ or (None if hidden else following.__context__)
    return "\nwhich led to\n".join(parts)


def _message(error: BaseException) -> str:
    """Return the message of a BridgeError; others may quote personal data."""
    text = str(error)
    if not isinstance(error, BridgeError):
        # PostgreSQL puts the failing row into the second line.
        text = QUOTED.sub(GONE, (text.splitlines() or [""])[0])
    return redact(text)
