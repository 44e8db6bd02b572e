"""What the exit page says in every state of a grade: one row for each sentence."""

import itertools
from typing import Any

import pytest

from lti_bridge.passback.rules.exit_page import (
    COUNTS_FOR_NOW,
    GO_ON,
    MAY_CLOSE,
    SET_IN_LMS,
    TRY_AGAIN,
    ExitFacts,
    ExitPage,
    ShownScore,
    decide_exit_page,
)
from lti_bridge.passback.rules.score_states import ScoreState, Standing
from lti_bridge.registrations.grading import GradingAnswer
from lti_bridge.scorm_cloud.progress import CourseOutcome

ACCEPTED, PARKED, QUEUED, SUPERSEDED = (
    ScoreState.ACCEPTED,
    ScoreState.PARKED,
    ScoreState.QUEUED,
    ScoreState.SUPERSEDED,
)
KEPT, NO_FINAL, PENDING = Standing.KEPT, Standing.NO_FINAL, Standing.PENDING

ON_ITS_WAY = "Your result is on its way"
NO_GRADE = "No grade yet"
ANOTHER = "Another grade stands in the gradebook"
TAKEN = "The LMS has your grade"
SHOWN = "Your grade is in the gradebook"
SAME = "Your grade stays as it was"
UNFINISHED = "Not finished yet"
COLLECTING = "Collecting your result"
SAFE = "Your result is safe"
REFUSED = "Your result is safe, but the gradebook did not take it"
HAS_RESULT = "The LMS has your result"

PASSED = CourseOutcome("COMPLETED", "PASSED", 85.0)
FAILED = CourseOutcome("COMPLETED", "FAILED", 50.0)
FAILING = CourseOutcome("INCOMPLETE", "FAILED", 50.0)
MIDDLE = CourseOutcome("INCOMPLETE", "UNKNOWN", None)
NO_SCORE = CourseOutcome("COMPLETED", "PASSED", None)


def score(state: str, given: float = 85.0, *, fresh: bool = True, **more: Any) -> ShownScore:
    return ShownScore(state, given, "The course reported a score of 85.", fresh, **more)


# facts, title, step, tone, score shown, final
TABLE: dict[str, tuple[dict[str, Any], str, int, str, float | None, bool]] = {
    "closed page": (
        {"expired": True, "score": score(ACCEPTED)},
        "This page has closed",
        3,
        "wait",
        None,
        True,
    ),
    "looking": ({"looking": True}, COLLECTING, 0, "busy", None, False),
    "looking after an unfinished report": (
        {"looking": True, "report": MIDDLE},
        COLLECTING,
        0,
        "busy",
        None,
        False,
    ),
    "unfinished so far": (
        {"looking": True, "report": MIDDLE, "read": True},
        UNFINISHED,
        0,
        "wait",
        None,
        False,
    ),
    "unfinished": ({"report": MIDDLE, "read": True}, UNFINISHED, 0, "wait", None, True),
    "unfinished after an accepted score": (
        {"report": MIDDLE, "read": True, "score": score(ACCEPTED, fresh=False)},
        UNFINISHED,
        3,
        "wait",
        85.0,
        True,
    ),
    "no report": ({}, NO_GRADE, 0, "wait", None, True),
    "no column yet": (
        {"score": score(QUEUED), "waits_for_line_item": True},
        SAFE,
        1,
        "wait",
        85.0,
        True,
    ),
    "no column yet and looking": (
        {"score": score(QUEUED), "waits_for_line_item": True, "looking": True},
        SAFE,
        1,
        "wait",
        85.0,
        False,
    ),
    "queued": ({"score": score(QUEUED)}, ON_ITS_WAY, 2, "busy", 85.0, False),
    "queued with a retry planned": (
        {"score": score(QUEUED), "retry_planned": True},
        ON_ITS_WAY,
        2,
        "busy",
        85.0,
        False,
    ),
    "tried once": ({"score": score(QUEUED, tried=True)}, ON_ITS_WAY, 2, "busy", 85.0, False),
    "retry planned after a try": (
        {"score": score(QUEUED, tried=True), "retry_planned": True},
        ON_ITS_WAY,
        2,
        "wait",
        85.0,
        False,
    ),
    "resting platform": (
        {"score": score(QUEUED), "resting": "Until 14:05."},
        ON_ITS_WAY,
        2,
        "wait",
        85.0,
        False,
    ),
    "queued before and looking": (
        {"score": score(QUEUED, fresh=False), "looking": True},
        ON_ITS_WAY,
        2,
        "busy",
        85.0,
        False,
    ),
    "parked": ({"score": score(PARKED)}, REFUSED, 2, "problem", 85.0, True),
    "parked and looking": (
        {"score": score(PARKED), "looking": True},
        REFUSED,
        2,
        "problem",
        85.0,
        False,
    ),
    "parked before and looking": (
        {"score": score(PARKED, fresh=False), "looking": True},
        COLLECTING,
        0,
        "busy",
        None,
        False,
    ),
    "superseded": ({"score": score(SUPERSEDED)}, ANOTHER, 1, "wait", None, True),
    "superseded and looking": (
        {"score": score(SUPERSEDED), "looking": True},
        ANOTHER,
        1,
        "wait",
        None,
        False,
    ),
    "superseded before": (
        {"score": score(SUPERSEDED, fresh=False)},
        ANOTHER,
        1,
        "wait",
        None,
        True,
    ),
    "another grade kept": (
        {"score": score(ACCEPTED, standing=KEPT)},
        HAS_RESULT,
        3,
        "wait",
        None,
        True,
    ),
    "no final grade": (
        {"score": score(ACCEPTED, standing=NO_FINAL)},
        HAS_RESULT,
        3,
        "wait",
        None,
        True,
    ),
    "pending and looking": (
        {"score": score(ACCEPTED, standing=PENDING), "looking": True},
        HAS_RESULT,
        3,
        "wait",
        None,
        False,
    ),
    "accepted": ({"score": score(ACCEPTED)}, TAKEN, 3, "good", 85.0, True),
    "seen in the gradebook": ({"score": score(ACCEPTED, seen=True)}, SHOWN, 3, "good", 85.0, True),
    "seen and looking": (
        {"score": score(ACCEPTED, seen=True), "looking": True},
        SHOWN,
        3,
        "good",
        85.0,
        False,
    ),
    "accepted and passed": (
        {"score": score(ACCEPTED), "report": PASSED},
        TAKEN,
        3,
        "good",
        85.0,
        True,
    ),
    "accepted and failed": (
        {"score": score(ACCEPTED, 50.0), "report": FAILED},
        TAKEN,
        3,
        "neutral",
        50.0,
        True,
    ),
    "accepted and failing so far": (
        {"score": score(ACCEPTED, 50.0), "report": FAILING},
        TAKEN,
        3,
        "neutral",
        50.0,
        True,
    ),
    "accepted before and looking": (
        {"score": score(ACCEPTED, fresh=False), "looking": True},
        COLLECTING,
        0,
        "busy",
        None,
        False,
    ),
    "accepted before": ({"score": score(ACCEPTED, fresh=False)}, SAME, 3, "good", 85.0, True),
    "accepted before and failed now": (
        {"score": score(ACCEPTED, fresh=False), "report": FAILED},
        SAME,
        3,
        "good",
        85.0,
        True,
    ),
}


@pytest.mark.parametrize(
    ("facts", "title", "step", "tone", "shown", "final"), TABLE.values(), ids=TABLE.keys()
)
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
    assert page.text


@pytest.mark.parametrize("facts", [row[0] for row in TABLE.values()], ids=TABLE.keys())
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
            {
                "score": score(QUEUED),
                "waits_for_line_item": True,
                "decision": "No column yet.",
            },
            "No column yet.",
        ),
        (
            {
                "score": score(QUEUED, tried=True),
                "retry_planned": True,
                "decision": "It failed.",
            },
            "It failed.",
        ),
        (
            {"score": score(QUEUED), "resting": "Until 14:05.", "decision": "x"},
            "Until 14:05.",
        ),
        ({"score": score(SUPERSEDED)}, SET_IN_LMS),
        ({"score": score(ACCEPTED, standing=KEPT)}, SET_IN_LMS),
        (
            {"looking": True, "read": True, "changed": True, "report": NO_SCORE},
            "The course has said how it ended; its score may still come.",
        ),
    ],
    ids=[
        "decision",
        "no report yet",
        "parked score",
        "no column yet",
        "failed try",
        "resting platform",
        "superseded score",
        "another grade kept",
        "ended without a score",
    ],
)
def test_page_says_why(facts: dict[str, Any], text: str) -> None:
    assert decide_exit_page(ExitFacts(**facts)).text == text


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        ({"report": PASSED, "score": score(ACCEPTED)}, "Passed"),
        ({"report": NO_SCORE, "score": score(ACCEPTED)}, "Passed"),
        ({"report": FAILED, "score": score(ACCEPTED, 50.0)}, "Failed"),
        ({"report": FAILED, "score": score(PARKED, 50.0)}, "Failed"),
        ({"report": FAILED, "score": score(QUEUED, 50.0)}, "Failed"),
        ({"report": FAILED, "score": score(SUPERSEDED)}, "Failed"),
        ({"report": FAILED, "score": score(ACCEPTED)}, ""),  # another score counts
        (
            {"report": FAILED, "score": score(QUEUED, 50.0), "looking": True},
            "",
        ),  # of before
        (
            {
                "report": FAILED,
                "score": score(QUEUED, 50.0),
                "looking": True,
                "changed": True,
            },
            "Failed",
        ),
        ({"report": FAILED, "looking": True, "changed": True}, ""),
        (
            {
                "report": CourseOutcome("COMPLETED", "UNKNOWN", 70.0),
                "score": score(ACCEPTED),
            },
            "",
        ),
    ],
    ids=[
        "passed",
        "passed without a score",
        "failed",
        "failed and parked",
        "failed and queued",
        "failed and superseded",
        "failed but another score counts",
        "failed but the score is from before",
        "failed with a changed score",
        "failed without a score",
        "completed",
    ],
)
def test_passed_and_failed_are_shown_as_such(facts: dict[str, Any], verdict: str) -> None:
    assert decide_exit_page(ExitFacts(**facts)).verdict == verdict


@pytest.mark.parametrize(
    ("facts", "notes"),
    [
        ({"looking": True}, (MAY_CLOSE,)),
        ({"score": score(QUEUED)}, (MAY_CLOSE,)),
        ({"report": MIDDLE, "read": True}, (GO_ON,)),
        (
            {"report": FAILED, "score": score(ACCEPTED, 50.0), "attempts_left": True},
            (TRY_AGAIN,),
        ),
        ({"report": PASSED, "score": score(ACCEPTED), "attempts_left": True}, ()),
        ({"report": FAILING, "score": score(ACCEPTED, 50.0)}, (COUNTS_FOR_NOW,)),
    ],
    ids=[
        "looking",
        "queued score",
        "unfinished",
        "failed with attempts left",
        "passed with attempts left",
        "failed before the end",
    ],
)
def test_page_says_what_the_learner_can_do(facts: dict[str, Any], notes: tuple[str, ...]) -> None:
    assert decide_exit_page(ExitFacts(**facts)).notes == notes


@pytest.mark.parametrize(
    ("answer", "fresh", "note"),
    [
        ("best", False, "You scored 50 this time. Your best, 85, counts."),
        ("first", False, "You scored 50 this time. Your first attempt, 85, counts."),
        ("latest", False, "You scored 50 this time. Your newest attempt, 85, counts."),
        ("average", True, "You scored 50 this time. The average of your attempts, 85, counts."),
    ],
    ids=["best", "first", "latest", "average"],
)
def test_page_says_which_score_counts(answer: str, fresh: bool, note: str) -> None:
    facts = ExitFacts(
        report=FAILED,
        changed=True,
        answer=GradingAnswer(answer),
        score=score(ACCEPTED, fresh=fresh),
    )

    assert decide_exit_page(facts).notes == (note,)


def test_equal_score_of_this_visit_is_no_other_one() -> None:
    facts = ExitFacts(report=PASSED, changed=True, score=score(ACCEPTED, fresh=False))

    assert decide_exit_page(facts).notes == ()


def every_page() -> list[tuple[ExitFacts, ExitPage]]:
    scores = [None] + [
        score(state, fresh=fresh, standing=standing)
        for state, standing in [
            (QUEUED, None),
            (PARKED, None),
            (SUPERSEDED, None),
            *((ACCEPTED, standing) for standing in (None, KEPT, NO_FINAL, PENDING)),
        ]
        for fresh in (False, True)
    ]
    cases = itertools.product(
        scores,
        (PASSED, FAILED, FAILING, MIDDLE, NO_SCORE),
        *([(False, True)] * 5),
        ("", "The LMS rests until 14:05."),
    )
    pages = []
    for shown, report, looking, read, changed, left, waits, resting in cases:
        facts = ExitFacts(
            score=shown,
            report=report,
            looking=looking,
            read=read,
            changed=changed,
            attempts_left=left,
            waits_for_line_item=waits,
            resting=resting,
        )
        pages.append((facts, decide_exit_page(facts)))
    return pages


def test_every_combination_keeps_to_the_rules() -> None:
    for facts, page in every_page():
        failed = page.verdict == "Failed"
        stands = facts.score is not None and (
            facts.score.state == SUPERSEDED or facts.score.standing in (KEPT, NO_FINAL)
        )
        assert page.text and page.title, facts
        assert not (facts.looking and page.final), facts  # it follows what may still come
        assert not (failed and page.tone == "good"), facts
        assert not (stands and page.score is not None and page.title == HAS_RESULT), facts
        assert (TRY_AGAIN in page.notes) == (failed and facts.attempts_left), facts
        assert not (page.tone == "busy" and MAY_CLOSE not in page.notes), facts
