"""One learner's state in words, by table."""

import pytest

from lti_bridge.passback.learner_state import LearnerProgress, LearnerState, decide_learner_state


@pytest.mark.parametrize(
    ("progress", "state"),
    [
        (LearnerProgress(), LearnerState("Not started", "quiet")),
        (LearnerProgress(launched=True), LearnerState("In progress", "busy")),
        (
            LearnerProgress(launched=True, completion="COMPLETED", reason="no score"),
            LearnerState("Finished, no grade yet", "wait", "no score"),
        ),
        (
            LearnerProgress(launched=True, success="FAILED", reason="waits"),
            LearnerState("Finished, no grade yet", "wait", "waits"),
        ),
        (
            LearnerProgress(launched=True, score_state="accepted", score_given=85.5, reason="old"),
            LearnerState("In the gradebook", "good", "", 85.5),
        ),
        (
            LearnerProgress(score_state="parked", score_given=70, reason="no student"),
            LearnerState("Needs attention", "problem", "no student", 70),
        ),
        (
            LearnerProgress(score_state="superseded", score_given=70, reason="a teacher"),
            LearnerState("Another grade stands", "wait", "a teacher", 70),
        ),
        (
            LearnerProgress(score_state="queued", score_given=0, waits_for_line_item=True),
            LearnerState("Waits for a gradebook column", "wait", "", 0),
        ),
        (
            LearnerProgress(
                score_state="queued", score_given=0, reason="no scope", waits_for_line_item=True
            ),
            LearnerState("Needs attention", "problem", "no scope", 0),
        ),
        (
            LearnerProgress(score_state="queued", score_given=0, reason="tried again"),
            LearnerState("On its way", "busy", "tried again", 0),
        ),
    ],
    ids=lambda value: value.label if isinstance(value, LearnerState) else "",
)
def test_says_where_a_learner_stands(progress: LearnerProgress, state: LearnerState) -> None:
    assert decide_learner_state(progress) == state
