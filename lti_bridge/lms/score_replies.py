"""The outcomes of sending a score, the same for every LMS."""

from dataclasses import dataclass

from ..core.sentences import coded

# In points of 100, after rescaling: Canvas and Moodle keep five decimals or fewer.
SAME_WITHIN = 0.01


@dataclass(frozen=True)
class Accepted:
    """The score is in the gradebook; not `shown` yet where the LMS processes it later."""

    shown: bool = True


@dataclass(frozen=True)
class TryLater:
    """Send the same bytes again, after `after` seconds at the earliest.

    `throttled`: the LMS's rate limit. `is_ours`: the failure concerns one cell or our access, so
    other calls to the LMS go on. `for_days`: a limit on the retries, for replies that are not the
    LMS's own.
    """

    reason: str
    after: float | None = None
    throttled: bool = False
    is_ours: bool = False
    for_days: float | None = None


@dataclass(frozen=True)
class Reauthorize:
    """The access token was not accepted: try once more with a new one."""


@dataclass(frozen=True)
class CompareResult:
    """A newer or equal timestamp is stored: read the result to see whether it is our repeat."""


@dataclass(frozen=True)
class Superseded:
    """A teacher set the grade; it stays."""

    reason: str


@dataclass(frozen=True)
class ScoreRejected:
    """Retries will not help until something is changed; `reason` is shown to teachers.

    `attempt_stored`: the LMS stored the attempt although it refused the score, so later scores must
    not create another. `attempts_full`: it may have stored this attempt before.
    """

    reason: str
    line_item_gone: bool = False
    attempt_stored: bool = False
    attempts_full: bool = False


Outcome = Accepted | TryLater | Reauthorize | CompareResult | Superseded | ScoreRejected

GONE = ScoreRejected(
    coded("column_gone", "The activity's gradebook column no longer exists in the LMS."),
    line_item_gone=True,
)


@dataclass(frozen=True)
class Reply:
    """Status, start of the body, and Retry-After in seconds."""

    status: int
    excerpt: str = ""
    retry_after: float | None = None
