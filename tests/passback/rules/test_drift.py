"""How one grade compares, by table."""

import pytest

from lti_bridge.passback.rules.drift import Drift, Ours, Theirs, decide_drift, looks_like_reset

ACCEPTED = Ours(80, "accepted")
LEFT = Ours(80, "accepted", left=True)


@pytest.mark.parametrize(
    ("ours", "theirs", "drift"),
    [
        (Ours(), Theirs(), Drift.NOTHING),
        (Ours(), Theirs(True, 50), Drift.NOTHING),
        (Ours(80, "queued"), Theirs(), Drift.UNDER_WAY),
        (Ours(80, "parked"), Theirs(), Drift.NEVER_SENT),
        (ACCEPTED, Theirs(True, 80), Drift.DELIVERED),
        (ACCEPTED, Theirs(True, 80.009), Drift.DELIVERED),
        (ACCEPTED, Theirs(True, 80.02), Drift.OVERRIDDEN),
        (ACCEPTED, Theirs(True, None), Drift.CLEARED),
        (Ours(80, "accepted", resent_after_loss=True), Theirs(True, None), Drift.CLEARED),
        (ACCEPTED, Theirs(), Drift.LOST),
        (Ours(80, "accepted", resent_after_loss=True), Theirs(), Drift.LOST_AGAIN),
        (ACCEPTED, Theirs(True, None, garbled=True), Drift.UNCLEAR),
        (ACCEPTED, Theirs(enrolled=False), Drift.NOT_ENROLLED),
        (ACCEPTED, Theirs(True, 80, enrolled=False), Drift.DELIVERED),
        (Ours(0, "accepted"), Theirs(True, None), Drift.DELIVERED),
        (Ours(0, "accepted"), Theirs(), Drift.LOST),
        (LEFT, Theirs(), Drift.LEFT),
        (LEFT, Theirs(True, None), Drift.LEFT),
        (LEFT, Theirs(True, 80), Drift.DELIVERED),
        (LEFT, Theirs(True, 95), Drift.OVERRIDDEN),
        (Ours(80, "superseded"), Theirs(True, 95), Drift.OVERRIDDEN),
        (Ours(80, "superseded"), Theirs(), Drift.OVERRIDDEN),
    ],
    ids=[
        "no score on either side",
        "only theirs",
        "queued",
        "parked and none there",
        "the same",
        "the same rounded",
        "another score",
        "cleared",
        "cleared after a resend",
        "lost",
        "lost again",
        "garbled",
        "no longer enrolled",
        "not enrolled but held",
        "zero and no score there",
        "zero and no entry",
        "left and no entry",
        "left and cleared",
        "left but held",
        "left and another score",
        "superseded by another score",
        "superseded and no entry",
    ],
)
def test_compares_both_sides(ours: Ours, theirs: Theirs, drift: Drift) -> None:
    assert decide_drift(ours, theirs) == drift


@pytest.mark.parametrize(
    ("lost", "delivered", "reset"),
    [
        (1, 1, True),
        (1, 2, True),
        (1, 3, False),
        (3, 7, False),
        (4, 30, True),
        (4, 40, False),
        (10, 100, False),
        (11, 100, True),
        (50, 100, True),
    ],
    ids=[
        "all of 1",
        "half of 2",
        "1 of 3",
        "3 of 7",
        "4 of 30",
        "a tenth of 40",
        "a tenth of 100",
        "more than a tenth of 100",
        "half of 100",
    ],
)
def test_many_at_once_look_like_a_reset(lost: int, delivered: int, reset: bool) -> None:
    assert looks_like_reset(lost, delivered) is reset
