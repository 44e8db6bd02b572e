"""What the exit page says in every state of a grade: one row for each sentence."""

from typing import Any

import pytest

from lti_bridge.passback.rules.exit_page import ExitFacts, ShownScore, decide_exit_page
from lti_bridge.passback.rules.score_states import (
    ACCEPTED,
    KEPT,
    PARKED,
    PENDING,
    QUEUED,
    SUPERSEDED,
)

ON_ITS_WAY = "Your result is on its way"
NO_GRADE = "No grade yet"
ANOTHER = "Another grade stands in the gradebook"


def score(
    state: str, *, fresh: bool = True, tried: bool = False, standing: str | None = None
) -> ShownScore:
    return ShownScore(state, 85.0, "The course reported a score of 85.", fresh, tried, standing)


# facts, title, step, tone, score shown, final
TABLE: list[tuple[dict[str, Any], str, int, str, float | None, bool]] = [
    ({"expired": True, "score": score(ACCEPTED)}, "This page has closed", 3, "wait", None, True),
    ({"looking": True}, "Collecting your result", 0, "busy", None, False),
    ({}, NO_GRADE, 0, "wait", None, True),
    ({"score": score(SUPERSEDED, fresh=False)}, NO_GRADE, 0, "wait", None, True),
    (
        {"score": score(QUEUED), "waits_for_line_item": True},
        "Your result is safe",
        1,
        "wait",
        85.0,
        True,
    ),
    ({"score": score(QUEUED)}, ON_ITS_WAY, 2, "busy", 85.0, False),
    ({"score": score(QUEUED), "retry_planned": True}, ON_ITS_WAY, 2, "busy", 85.0, False),
    ({"score": score(QUEUED, tried=True)}, ON_ITS_WAY, 2, "busy", 85.0, False),
    (
        {"score": score(QUEUED, tried=True), "retry_planned": True},
        ON_ITS_WAY,
        2,
        "wait",
        85.0,
        False,
    ),
    ({"score": score(QUEUED, fresh=False), "looking": True}, ON_ITS_WAY, 2, "busy", 85.0, False),
    (
        {"score": score(PARKED), "looking": True},
        "Your result is safe, but the gradebook did not take it",
        2,
        "problem",
        85.0,
        True,
    ),
    ({"score": score(SUPERSEDED)}, ANOTHER, 3, "wait", None, True),
    ({"score": score(ACCEPTED, standing=KEPT)}, "The LMS has your result", 3, "wait", None, True),
    (
        {"score": score(ACCEPTED, standing=PENDING), "looking": True},
        "The LMS has your result",
        3,
        "wait",
        None,
        False,
    ),
    ({"score": score(ACCEPTED)}, "Your grade is in the gradebook", 3, "good", 85.0, True),
    (
        {"score": score(ACCEPTED), "looking": True},
        "Your grade is in the gradebook",
        3,
        "good",
        85.0,
        False,
    ),
    (
        {"score": score(ACCEPTED, fresh=False), "looking": True},
        "Collecting your result",
        0,
        "busy",
        None,
        False,
    ),
    ({"score": score(ACCEPTED, fresh=False)}, "Your grade stays as it was", 3, "good", 85.0, True),
    (
        {"score": score(SUPERSEDED)},
        ANOTHER,
        3,
        "wait",
        None,
        True,
    ),
    (
        {"score": score(SUPERSEDED), "looking": True},
        ANOTHER,
        3,
        "wait",
        None,
        False,
    ),
]


@pytest.mark.parametrize(("facts", "title", "step", "tone", "shown", "final"), TABLE)
def test_page_of_every_state(
    facts: dict[str, Any], title: str, step: int, tone: str, shown: float | None, final: bool
) -> None:
    page = decide_exit_page(ExitFacts(**facts))

    assert (page.title, page.step, page.tone, page.score, page.final) == (
        title,
        step,
        tone,
        shown,
        final,
    )
    assert page.text or page.more


@pytest.mark.parametrize("facts", [row[0] for row in TABLE])
def test_every_page_keeps_the_way_back_and_the_language(facts: dict[str, Any]) -> None:
    page = decide_exit_page(ExitFacts(**facts, back_url="https://lms.example/c/1", locale="de"))

    assert (page.back_url, page.locale) == ("https://lms.example/c/1", "de")


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({"decision": "Attempt 2 is not finished."}, "Attempt 2 is not finished."),
        ({}, "The course has not reported a result yet."),
        ({"score": score(PARKED)}, "The course reported a score of 85."),
        (
            {"score": score(QUEUED), "waits_for_line_item": True, "decision": "No column yet."},
            "No column yet.",
        ),
        (
            {"score": score(QUEUED, tried=True), "retry_planned": True, "decision": "It failed."},
            "It failed.",
        ),
    ],
)
def test_page_says_why(facts: dict[str, Any], text: str) -> None:
    assert decide_exit_page(ExitFacts(**facts)).text == text
