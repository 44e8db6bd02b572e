"""What a log line must not hold, taken out of it, whoever wrote it: the last line of defence.

Our own lines hold none of this. Libraries write addresses, and exceptions what they choked on.
"""

import re
import traceback

from ..core.errors import BridgeError

GONE = "…"
PATTERNS = (
    # What follows is a token, whatever it is made of.
    (re.compile(r"/(exit|postback)/[^/\s\"'?#]+"), rf"/\1/{GONE}"),
    (re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]+", re.I), rf"\1 {GONE}"),
    # Queries hold states, login hints, users' ids; an address may hold a password.
    (re.compile(r"\?[^\s\"'<>)]*"), f"?{GONE}"),
    (re.compile(r"://[^/\s@]+@"), f"://{GONE}@"),
    # An id_token or an access token; a token of ours with its time and signature; what we encrypt.
    (re.compile(r"\beyJ[\w-]{8,}(\.[\w-]*)*"), GONE),
    (re.compile(r"\.?[\w-]+\.[\w-]{5,7}\.[\w-]{27,}"), GONE),
    (re.compile(r"\bgAAAA[\w=-]{20,}"), GONE),
    (re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+"), GONE),
)
QUOTED = re.compile(r"""(["'])(?:(?!\1).)+\1""")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def redact(text: str) -> str:
    """Return a text without tokens, queries and addresses of people."""
    for pattern, instead in PATTERNS:
        text = pattern.sub(instead, text)
    return text


def one_line(text: str) -> str:
    """Return a text that cannot pass for two lines."""
    return CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def describe_failure(error: BaseException) -> str:
    """Return where an exception comes from, and what it says as far as that may be shown."""
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
    """Our own failures are worded by us; others quote what they were given, such as a name."""
    text = str(error)
    if not isinstance(error, BridgeError):
        # PostgreSQL puts the failing row into its second line.
        text = QUOTED.sub(GONE, (text.splitlines() or [""])[0])
    return redact(text)
