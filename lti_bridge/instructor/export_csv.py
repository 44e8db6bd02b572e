"""The learners of one activity as a file for a spreadsheet."""

import csv
import io
from collections.abc import Sequence

from .roster import LearnerRow

HEADINGS = (
    "Name",
    "User id",
    "State",
    "Why",
    "Score of 100",
    "Attempt",
    "Minutes",
    "Last opened (UTC)",
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
        seen = one.last_seen_at
        cells = (one.name, one.sub, one.state.label, one.state.detail)
        numbers = (
            f"{one.state.score:g}" if one.state.score is not None else "",
            one.attempt or "",
            f"{one.seconds / 60:.1f}" if one.seconds else "",
            seen.strftime("%Y-%m-%d %H:%M:%S") if seen else "",
        )
        sheet.writerow([*map(_harmless, cells), *numbers])
    return text.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell
