"""The learners of one activity as a file for a spreadsheet."""

import csv
import io
from collections.abc import Sequence
from datetime import datetime

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
# A spreadsheet takes a cell that begins with one of these for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_scores(learners: Sequence[LearnerRow]) -> str:
    """Return a CSV file (RFC 4180), a line for each learner.

    Text that a spreadsheet would run as a formula gets an apostrophe before it.
    """
    text = io.StringIO(newline="")
    sheet = csv.writer(text)
    sheet.writerow(HEADINGS)
    for one in learners:
        state = one.state
        cells = (one.name, one.sub, state.label, state.detail, one.result)
        numbers = (
            _number(state.score),
            _number(state.held),
            one.attempt or "",
            one.attempts,
            one.minutes or "",
            _moment(one.last_seen_at),
            _moment(one.sent_at),
        )
        sheet.writerow([*map(_harmless, cells), *numbers])
    return text.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _number(score: float | None) -> str:
    return f"{score:g}" if score is not None else ""


def _moment(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S") if at is not None else ""
