"""What one grade costs from the exit to the gradebook: statements and calls, counted."""

from typing import Any

import pytest
from sqlalchemy import event

from lti_bridge.core.db import db
from tests.story.town import CLOUD, LMS, Town

BOUNDARIES = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT")


@pytest.mark.parametrize(
    ("dialect", "most", "calls"),
    [
        ("canvas", 30, ["registrations", "results", "scores"]),
        ("moodle", 30, ["registrations", "results", "scores", "results"]),
    ],
    ids=["canvas", "moodle"],
)
def test_first_grade_costs_at_most(town: Town, most: int, calls: list[str]) -> None:
    """Tokens are there; the page of the exit is opened once."""
    activity = town.begin()
    town.learn(activity, 70, person="ben")
    address = town.do(lambda: town.click(activity))
    assert address is not None
    exit_url = town.finish(address, 80)
    statements: list[str] = []
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith(BOUNDARIES):
            statements.append(statement)

    town.watch = asked.append
    listened = town.do(lambda: db.engine)
    event.listen(listened, "before_cursor_execute", note)
    town.do(lambda: town.visit(exit_url))
    town.do(town.work)
    event.remove(listened, "before_cursor_execute", note)
    town.watch = None

    assert town.cell(activity)["score"] == 80
    assert [_name(url) for url in asked if url.startswith((LMS, CLOUD))] == calls
    assert len(statements) <= most, "\n".join(statements)


def _name(url: str) -> str:
    parts = url.partition("?")[0].split("/")
    return next(part for part in reversed(parts) if part in ("registrations", "results", "scores"))
