"""What a reply to a score can mean, whichever LMS it comes from."""

from dataclasses import dataclass

from ..core.sentences import coded

# Scores are compared of 100, after rescaling: Canvas and Moodle keep five decimals or fewer.
SAME_WITHIN = 0.01


@dataclass(frozen=True)
class Accepted:
    """The score stands in the gradebook, or did before; `shown` later where the LMS says so."""

    shown: bool = True


@dataclass(frozen=True)
class TryLater:
    """Try the same bytes again, not before `after` seconds when the LMS said so.

    `throttled`: it has had too many requests. `is_ours`: the LMS serves us, but not this: what it
    says of one cell or of our access is no reason to leave it alone. `for_days`: an answer that is
    not the LMS's own ends sooner than others.
    """

    reason: str
    after: float | None = None
    throttled: bool = False
    is_ours: bool = False
    for_days: float | None = None


@dataclass(frozen=True)
class Reauthorize:
    """The token was not accepted: one more try with a new one."""


@dataclass(frozen=True)
class CompareResult:
    """A newer or equal time is stored: read the result to learn whether it is our own repeat."""


@dataclass(frozen=True)
class Superseded:
    """A teacher graded later; the tool does not argue."""

    reason: str


@dataclass(frozen=True)
class ScoreRejected:
    """Trying again will not help until somebody changes something; a teacher reads `reason`.

    `attempt_stored`: the LMS has kept the learner's attempt though it refused the score, so that
    no later score may make one. `attempts_full`: it may have kept this very attempt before.
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
    """Status, first characters of the body and the wait that the LMS asked for."""

    status: int
    excerpt: str = ""
    retry_after: float | None = None
