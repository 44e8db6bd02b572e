"""One learner's state in words, by table."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from lti_bridge.lms.readings import CLEARED, HELD, HELD_HIGHER
from lti_bridge.passback.learner_progress import LearnerProgress, Situation, progress_of
from lti_bridge.passback.learner_state import (
    DECIDED_ANEW,
    EVENT_SENDS,
    NO_REGISTRATION,
    OURS_INSTEAD,
    PERSON_SENDS,
    SOON,
    LearnerState,
    decide_learner_state,
    for_learner,
)
from lti_bridge.passback.pipeline.find_line_item import CREATE_NOT_GRANTED, NONE_YET
from lti_bridge.passback.rules.exit_page import COUNTS_FOR_NOW, SET_IN_LMS, SHOWN_LATER
from lti_bridge.passback.rules.plan import NOT_GRANTED
from lti_bridge.passback.rules.reasons import KEPT_IN_LMS, NO_FINAL_GRADE, PARKED_BY, PAUSED

NOW = datetime(2026, 11, 2, 14, 0, tzinfo=UTC)
LOCKED = "The grade or the column is locked in the gradebook."
MAINTENANCE = PAUSED.fill(until="14:05")
HELD_61 = HELD.fill(held=61.0, ours=80.0)
HIGHER_90 = HELD_HIGHER.fill(held=90.5, ours=80.0)
CLEARED_80 = CLEARED.fill(ours=80.0)
KEPT_77 = KEPT_IN_LMS.fill(held=77.0, ours=80.0)
STOPPED = PARKED_BY.fill(who="Ida")
BUSY = "The LMS answered 500; it is tried again."
COURSE = {"launched": True, "completion": "COMPLETED", "success": "PASSED"}


def decided(state: str, **more: object) -> LearnerProgress:
    """A learner who passed, with a newest decision of 80."""
    return LearnerProgress(**{**COURSE, "score_state": state, "score_given": 80.0, **more})


def told(label: str, tone: str, *sentences: str, held: float | None = None) -> LearnerState:
    return LearnerState(label, tone, sentences, 80.0, held)


@pytest.mark.parametrize(
    ("progress", "state"),
    [
        (LearnerProgress(), LearnerState("Not started", "quiet")),
        (LearnerProgress(launched=True), LearnerState("In progress", "busy")),
        (
            LearnerProgress(launched=True, registered=False),
            LearnerState("The course did not open", "wait", (NO_REGISTRATION,)),
        ),
        (
            LearnerProgress(launched=True, completion="COMPLETED", decided="no score"),
            LearnerState("Finished, no grade yet", "wait", ("no score",)),
        ),
        (
            LearnerProgress(launched=True, success="FAILED", decided="waits"),
            LearnerState("Finished, no grade yet", "wait", ("waits",)),
        ),
        (decided("accepted", decided="old"), told("Taken by the LMS", "good")),
        (decided("accepted", held=80.004), told("In the gradebook", "good", held=80.004)),
        (decided("accepted", success="FAILED"), told("Taken by the LMS", "quiet")),
        (
            decided("accepted", completion="INCOMPLETE", success="FAILED"),
            told("Taken by the LMS", "quiet", COUNTS_FOR_NOW),
        ),
        (
            decided("accepted", found=True, held=80.0, reason="held before"),
            told("In the gradebook", "good", "held before", held=80.0),
        ),
        (
            decided("accepted", standing="kept", reason=KEPT_77, held=77.0),
            told("Another grade stands", "wait", KEPT_77, held=77.0),
        ),
        (
            decided("accepted", standing="no final grade", reason=NO_FINAL_GRADE),
            told("Needs attention", "problem", NO_FINAL_GRADE),
        ),
        (
            decided("accepted", standing="pending", reason="not shown yet"),
            told("Accepted, not yet shown", "wait", "not shown yet"),
        ),
        (
            decided("superseded", reason=HELD_61, held=61.0),
            told("Another grade stands", "wait", HELD_61, OURS_INSTEAD, held=61.0),
        ),
        (
            decided("superseded", reason=CLEARED_80),
            told("Another grade stands", "wait", CLEARED_80, OURS_INSTEAD),
        ),
        (
            decided("parked", reason=LOCKED),
            told("Needs attention", "problem", LOCKED, EVENT_SENDS),
        ),
        (
            decided("parked", reason=STOPPED, stopped=True),
            told("Needs attention", "problem", STOPPED, PERSON_SENDS),
        ),
        (
            decided("queued", waits_for_line_item=True, decided=NONE_YET),
            told("Waits for a gradebook column", "wait", NONE_YET),
        ),
        (
            decided("queued", waits_for_line_item=True, decided=CREATE_NOT_GRANTED),
            told("Needs attention", "problem", CREATE_NOT_GRANTED),
        ),
        (decided("queued", may_send=False), told("Needs attention", "problem", NOT_GRANTED)),
        (decided("queued", pause=MAINTENANCE), told("On its way", "wait", MAINTENANCE)),
        (decided("queued", decided="The result was read."), told("On its way", "busy", SOON)),
        (
            decided("queued", decided=BUSY, send_at=NOW),
            told("On its way", "busy", BUSY, "It is sent at 2026-11-02 14:00:00 UTC."),
        ),
        (decided("accepted", resends=True), told("On its way", "busy", DECIDED_ANEW)),
        (
            decided("parked", reason=LOCKED, resends=True, pause=MAINTENANCE),
            told("On its way", "wait", MAINTENANCE),
        ),
    ],
    ids=[
        "not started",
        "in progress",
        "course missing",
        "completed",
        "failed without a grade",
        "taken",
        "read in the gradebook",
        "failed",
        "provisional",
        "found there",
        "override kept",
        "no final grade",
        "pending",
        "override",
        "cleared or excused",
        "locked",
        "stopped",
        "no column",
        "column not granted",
        "scope missing",
        "maintenance",
        "soon",
        "tried again",
        "sent again",
        "sent again in maintenance",
    ],
)
def test_says_where_a_learner_stands(progress: LearnerProgress, state: LearnerState) -> None:
    assert decide_learner_state(progress) == state


@pytest.mark.parametrize(
    ("progress", "sentences"),
    [
        (decided("accepted", standing="kept", reason=KEPT_77, held=77.0), (SET_IN_LMS,)),
        (decided("superseded", reason=HELD_61, held=61.0), (SET_IN_LMS,)),
        (decided("accepted", standing="pending", reason="not shown yet"), (SHOWN_LATER,)),
        (decided("parked", reason=LOCKED), (LOCKED,)),
        (decided("accepted", resends=True), ()),
    ],
    ids=["override kept", "override", "pending", "locked", "sent again"],
)
def test_learner_reads_no_figure_of_the_lms(
    progress: LearnerProgress, sentences: tuple[str, ...]
) -> None:
    state = decide_learner_state(progress)

    shown = for_learner(state)

    assert (shown.sentences, shown.score) == (sentences, 80)
    assert shown.held is None


@dataclass(frozen=True)
class Cell:
    decision_reason: str | None = None
    waits_for_line_item: bool = False
    resend: str | None = None
    next_read_at: datetime | None = None
    next_send_at: datetime | None = None


@dataclass(frozen=True)
class Decision:
    state: str = "accepted"
    score_given: float = 80.0
    reason: str = ""
    standing: str | None = None
    held_after: float | None = None
    stopped: bool = False
    registration_id: int | None = 1


NOTHING = LearnerProgress(launched=True)


def tell(cell: Cell, score: Decision | None = None, **more: object) -> LearnerProgress:
    facts: dict[str, Any] = {"launched_at": NOW, "created_at": NOW, "completion": None}
    facts |= {"success": None, **more}
    return progress_of(cell, Situation(NOW), SimpleNamespace(**facts), score)


@pytest.mark.parametrize(
    ("progress", "expected"),
    [
        (tell(Cell()), NOTHING),
        (tell(Cell(), created_at=None), replace(NOTHING, registered=False)),
        (tell(Cell(next_send_at=NOW)), replace(NOTHING, is_due=True)),
        (
            tell(Cell(next_send_at=NOW + timedelta(seconds=10))),
            replace(NOTHING, is_due=True, send_at=NOW + timedelta(seconds=10)),
        ),
        (
            tell(Cell(next_send_at=NOW + timedelta(hours=1))),
            replace(NOTHING, send_at=NOW + timedelta(hours=1)),
        ),
        (tell(Cell(next_read_at=NOW + timedelta(hours=1))), NOTHING),
        (tell(Cell(next_read_at=NOW - timedelta(hours=1))), NOTHING),
        (tell(Cell(resend="lost")), replace(NOTHING, resends=True)),
    ],
    ids=[
        "nothing due",
        "refused",
        "due",
        "soon",
        "later",
        "looked at later",
        "stuck",
        "sent again",
    ],
)
def test_tells_what_is_due(progress: LearnerProgress, expected: LearnerProgress) -> None:
    assert progress == expected


@pytest.mark.parametrize(
    ("score", "held"),
    [
        (Decision(), None),
        (Decision(held_after=80.0), 80),
        (Decision(standing="kept", held_after=77.0), 77),
        (Decision(state="superseded", reason=HELD_61, held_after=80.0), 61),
        (
            Decision(state="superseded", reason=HELD_HIGHER.fill(held=90.5, ours=8.0)),
            90.5,
        ),
        (Decision(state="superseded", reason=CLEARED_80), None),
        (Decision(state="queued", held_after=80.0), None),
        (Decision(registration_id=None), 80),
    ],
    ids=["taken", "read", "kept", "override", "from before", "cleared", "queued", "found"],
)
def test_tells_what_the_lms_held(score: Decision, held: float | None) -> None:
    assert tell(Cell(), score).held == held
