"""The values that callers of this folder pass in and get back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

SCOPE_LINE_ITEM = "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem"
SCOPE_LINE_ITEM_READ = "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem.readonly"
SCOPE_RESULT_READ = "https://purl.imsglobal.org/spec/lti-ags/scope/result.readonly"
SCOPE_SCORE = "https://purl.imsglobal.org/spec/lti-ags/scope/score"
# Each call needs one of these scopes. Some platforms grant `lineitem`, which includes
# `lineitem.readonly` (AGS 2.0 section 3.2), but not the latter itself.
TO_SEND_SCORES = (SCOPE_SCORE,)
TO_READ_RESULTS = (SCOPE_RESULT_READ,)
TO_FIND_LINE_ITEMS = (SCOPE_LINE_ITEM_READ, SCOPE_LINE_ITEM)
TO_CREATE_LINE_ITEMS = (SCOPE_LINE_ITEM,)
AGS_SCOPES = (*TO_FIND_LINE_ITEMS, *TO_READ_RESULTS, *TO_SEND_SCORES)
# The scopes of a resource link's newest AGS claim; None before the first.
Granted = Sequence[str] | None


@dataclass(frozen=True)
class PlatformValues:
    """One (issuer, client_id) pair with its endpoints."""

    id: int
    issuer: str
    client_id: str
    authorization_url: str
    token_url: str
    jwks_url: str
    audience: str | None = None
    dialect: str = "generic"
    frame_origins: tuple[str, ...] = ()


@dataclass(frozen=True)
class SigningKey:
    """Our private key, parsed once: signing from PEM text is a hundred times slower."""

    kid: str
    private_key: Any


@dataclass(frozen=True)
class LmsReply:
    """The reply to one score, for `passback` to interpret and to store.

    `excerpt` is the first 500 characters of the body; `reason` the HTTP reason phrase, where Moodle
    puts its error text.
    """

    status: int
    excerpt: str = ""
    retry_after: float | None = None
    rate_limit_remaining: float | None = None
    duration_ms: int = 0
    reason: str = ""


@dataclass(frozen=True)
class LmsResult:
    """One result of a line item (AGS 2.0 section 3.3).

    `score` is None where the entry has none; in Moodle also for 0. `garbled`: the score is not a
    number. `fields` are the keys of the entry.
    """

    score: float | None
    maximum: float | None
    timestamp: str | None = None
    user_id: str = ""
    garbled: bool = False
    fields: frozenset[str] = frozenset()

    @property
    def of_hundred(self) -> float | None:
        """The score of 100; unchanged where the maximum is missing or 0."""
        return None if self.score is None else self.score * 100 / (self.maximum or 100)

    def on_scale_of(self, maximum: float) -> "LmsResult":
        """Return the score on the scale of this maximum."""
        return replace(self, maximum=maximum)


def same_line_item(one: str, other: str) -> bool:
    """Tell whether two URLs name the same line item.

    The host is ignored: hosted Canvas uses the host that the learner came through.
    """
    return _column(one) == _column(other)


def _column(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.path.rstrip("/"), parts.query
