"""The judge of the crash run sees what it is there for."""

import json

import pytest

from tests.crash.promises import LOST, LOWERED, ODD_REPEAT, WRONG, broken_promises


def body(score: float, second: int = 0) -> str:
    return json.dumps({"scoreGiven": score, "timestamp": f"2026-11-02T09:00:{second:02}.000Z"})


@pytest.mark.parametrize(
    "scores, bodies, shown, broken",
    [
        ([60, 80], [body(60), body(80)], 80, []),
        ([60, 80], [body(80)], 80, []),
        ([80, 60], [body(80), body(80)], 80, []),
        ([None], [body(100)], 100, []),
        ([None, 70], [body(100), body(70)], 70, []),
        ([60], [], None, [LOST]),
        ([60, 80], [body(60)], 60, [LOST]),
        ([60], [body(60), body(61)], 61, [LOST, WRONG]),
        ([60], [body(100), body(60)], 60, [WRONG, LOWERED]),
        ([None, 70], [body(100), body(70), body(100)], 100, [LOST, WRONG]),
        ([80, 60], [body(80), body(60)], 60, [LOST, WRONG, LOWERED]),
        ([60, 80], [body(60), body(80), body(60), body(80)], 80, [LOWERED]),
        ([60], [body(60), body(60, second=9)], 60, [ODD_REPEAT]),
    ],
    ids=[
        "all arrived",
        "a session overtaken by the next",
        "the same bytes twice",
        "full marks without a quiz",
        "full marks replaced",
        "nothing arrived",
        "the newest is missing",
        "a score that no learner had",
        "full marks that no learner had",
        "full marks come back",
        "a lower score replaced the best",
        "an old score came once more",
        "the same score with other bytes",
    ],
)
def test_judges_what_the_lms_took(scores, bodies, shown, broken):
    assert broken_promises(scores, bodies, shown) == broken


@pytest.mark.parametrize(
    "refused, broken",
    [([body(60)], []), ([body(60, second=9)], [ODD_REPEAT])],
    ids=["the same bytes", "other bytes"],
)
def test_judges_repeats_that_the_lms_refused(refused, broken):
    assert broken_promises([60], [body(60)], 60, refused) == broken
