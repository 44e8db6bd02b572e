"""The learners of one activity as a CSV file."""

from collections.abc import Sequence
from datetime import datetime

from ..web.csv_files import harmless, write_csv
from .roster import LearnerRow

HEADINGS = (
    "Name",
    "User id",
    "State",
    "Why",
    "Result",
    "Score of 100",
    "In the LMS, of 100",
    "Attempt",
    "Attempts",
    "Minutes",
    "Last opened (UTC)",
    "Sent (UTC)",
)


def write_scores(learners: Sequence[LearnerRow]) -> str:
    """Return a CSV file, a line for each learner."""
    return write_csv(HEADINGS, map(_line, learners))


def _line(one: LearnerRow) -> list[object]:
    state = one.state
    cells = (one.name, one.sub, state.label, state.detail, one.result)
    return [
        *map(harmless, cells),
        _number(state.score),
        _number(state.held),
        one.attempt or "",
        one.attempts,
        one.minutes or "",
        _moment(one.last_seen_at),
        _moment(one.sent_at),
    ]


def _number(score: float | None) -> str:
    return f"{score:g}" if score is not None else ""


def _moment(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S") if at is not None else ""
