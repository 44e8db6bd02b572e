"""How one grade compares, by table."""

import pytest

from lti_bridge.passback.rules.drift import Drift, Ours, Theirs, decide_drift

ACCEPTED = Ours(80, "accepted")


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
        (ACCEPTED, Theirs(True, None), Drift.LOST),
        (ACCEPTED, Theirs(), Drift.LOST),
        (Ours(80, "accepted", resent_after_loss=True), Theirs(), Drift.LOST_AGAIN),
        (Ours(0, "accepted"), Theirs(True, None), Drift.DELIVERED),
        (Ours(0, "accepted"), Theirs(), Drift.LOST),
        (Ours(80, "superseded"), Theirs(True, 95), Drift.OVERRIDDEN),
        (Ours(80, "superseded"), Theirs(), Drift.OVERRIDDEN),
    ],
)
def test_compares_both_sides(ours: Ours, theirs: Theirs, drift: Drift) -> None:
    assert decide_drift(ours, theirs) == drift
