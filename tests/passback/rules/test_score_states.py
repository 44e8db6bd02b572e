"""The outcomes of tries, as rows, metrics and people have them."""

import re
from pathlib import Path

import pytest

from lti_bridge.lms.score_replies import (
    GONE,
    Accepted,
    CompareResult,
    Outcome,
    Reauthorize,
    Superseded,
    TryLater,
)
from lti_bridge.passback.rules.score_states import ONLY_READ, TryOutcome, outcome_of

METRICS = Path(__file__).parents[3] / "docs" / "metrics.md"


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (Accepted(), "accepted"),
        (Accepted(shown=False), "accepted"),
        (TryLater("busy"), "trylater"),
        (Reauthorize(), "reauthorize"),
        (CompareResult(), "compareresult"),
        (Superseded("another"), "superseded"),
        (GONE, "refused"),
    ],
    ids=["accepted", "hidden", "later", "token", "compare", "superseded", "refused"],
)
def test_outcome_of_a_reply_has_a_name_of_its_own(reply: Outcome, outcome: str) -> None:
    """Dashboards and rows name it: it does not change with the name of a class."""
    assert outcome_of(reply).value == outcome


@pytest.mark.parametrize("outcome", TryOutcome)
def test_outcome_has_a_text(outcome: TryOutcome) -> None:
    assert outcome.label


def test_metrics_page_names_the_outcomes_of_posts() -> None:
    (line,) = re.findall(r"^\| `lti_bridge_score_tries_total` .*$", METRICS.read_text(), re.M)
    named = set(re.findall(r"`(\w+)`", line)) & set(TryOutcome)

    assert named == set(TryOutcome) - set(ONLY_READ)


def test_name_that_rows_had_for_a_while_is_read() -> None:
    assert TryOutcome("scorerejected") is TryOutcome.REFUSED
