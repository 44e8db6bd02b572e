"""What an LMS's reply to a score means, for each kind of LMS."""

from collections.abc import Callable
from dataclasses import dataclass

from ..web.sentences import N_, format_message
from .base import LMS_FAILED, LMS_REFUSED

# Scores are compared of 100, after rescaling: Canvas and Moodle keep five decimals or fewer.
SAME_WITHIN = 0.01


@dataclass(frozen=True)
class Accepted:
    """The score stands in the gradebook, or did before."""


@dataclass(frozen=True)
class TryLater:
    """Try the same bytes again, not before `after` seconds when the LMS said so."""

    reason: str
    after: float | None = None


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
    """Trying again will not help until somebody changes something; a teacher reads `reason`."""

    reason: str
    line_item_gone: bool = False


Outcome = Accepted | TryLater | Reauthorize | CompareResult | Superseded | ScoreRejected

GONE = ScoreRejected(
    N_("The activity's gradebook column no longer exists in the LMS."), line_item_gone=True
)
THROTTLED_SECONDS = 5.0
TEACHER = Superseded(N_("Someone graded in the LMS after this result; their grade stands."))


@dataclass(frozen=True)
class Reply:
    """Status, first characters of the body and the wait that the LMS asked for."""

    status: int
    excerpt: str = ""
    retry_after: float | None = None


def read_reply(dialect: str, reply: Reply) -> Outcome:
    """Return what a reply to a score means (facts: Canvas section 4, Moodle sections 0 and 8)."""
    reader = _READERS.get(dialect, _generic)
    return reader(reply) or _generic(reply)


def decide_repeat(ours: float, score: float | None, maximum: float | None) -> Accepted | Superseded:
    """Compare what we sent (of 100) with the stored result.

    Moodle leaves `resultScore` out for 0, so a missing score is equal to a 0 of ours.
    """
    if score is None:
        return Accepted() if ours == 0 else TEACHER
    stored = score / maximum * 100 if maximum else score
    return Accepted() if abs(stored - ours) <= SAME_WITHIN else TEACHER


def _generic(reply: Reply) -> Outcome:
    status = reply.status
    if 200 <= status < 300:
        return Accepted()
    if status == 401:
        return Reauthorize()
    if status == 409:
        return CompareResult()
    if status == 404:
        return GONE
    if status in (408, 425, 429) or status >= 500:
        return TryLater(format_message(LMS_FAILED, status=status), reply.retry_after)
    return ScoreRejected(_REFUSALS.get(status, format_message(LMS_REFUSED, status=status)))


_REFUSALS = {
    400: N_("The LMS refused the score: it does not take one for this user in this activity."),
    403: N_("The LMS does not permit the tool to send scores to this activity."),
    412: N_("The gradebook column belongs to another tool."),
    422: N_("The LMS refused the score: this user cannot be graded in this activity."),
}


def _moodle(reply: Reply) -> Outcome | None:
    body = reply.excerpt.strip()
    if reply.status == 200 and body:
        # A refusal whose reason phrase broke the status line; success has an empty body.
        return ScoreRejected(_MOODLE_USER)
    if reply.status == 400:
        return ScoreRejected(_MOODLE_USER)
    if reply.status == 500 and body == "[]":
        return ScoreRejected(
            N_("The grade or the column is locked in the gradebook: unlock it, then resend.")
        )
    return None


_MOODLE_USER = N_(
    "Moodle does not take a score for this user: they are not a graded participant of the course "
    "(not enrolled, or enrolled as a teacher)."
)


def _canvas(reply: Reply) -> Outcome | None:
    text = reply.excerpt.lower()
    if reply.status == 400 and "timestamp" in text and "before last updated" in text:
        return CompareResult()
    if reply.status == 403 and "rate limit" in text:
        return TryLater(
            N_("Canvas asks for fewer requests."), reply.retry_after or THROTTLED_SECONDS
        )
    if "concluded" in text and reply.status in (404, 422):
        return ScoreRejected(
            N_("The course has concluded and takes no more grades: reopen it, then resend.")
        )
    if reply.status == 404 and "context" in text:
        return ScoreRejected(N_("Canvas does not find the course any more, or it has concluded."))
    if reply.status == 422 and "attempts" in text:
        return ScoreRejected(N_("All attempts that the assignment allows are used up."))
    if reply.status == 422 and "not a student" in text:
        return ScoreRejected(N_("Canvas does not have this user as a student of the course."))
    return None


_READERS: dict[str, Callable[[Reply], Outcome | None]] = {"moodle": _moodle, "canvas": _canvas}
