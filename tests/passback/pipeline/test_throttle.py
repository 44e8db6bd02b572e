"""The gate: few posts at once, a rest after failures, a probe, a pause that was asked for."""

from datetime import timedelta

import pytest

from lti_bridge.core.config import PassbackSettings
from lti_bridge.lms.registry import get_lms
from lti_bridge.passback.pipeline.throttle import Place, PlatformGate
from tests.conftest import FakeClock

GRANTED, REMEMBERED = Place(granted=True), Place()


@pytest.fixture
def gate(clock: FakeClock) -> PlatformGate:
    return PlatformGate(PassbackSettings(), clock)


def enter(gate: PlatformGate, grade_id: int = 1, dialect: str = "moodle") -> Place:
    return gate.enter(1, grade_id, get_lms(dialect))


@pytest.mark.parametrize(
    ("dialect", "at_once"),
    [("canvas", 1), ("moodle", 4), ("generic", 4)],
    ids=["canvas", "moodle", "generic"],
)
def test_lets_few_in_at_once(gate: PlatformGate, dialect: str, at_once: int) -> None:
    places = [enter(gate, grade_id, dialect) for grade_id in range(at_once + 1)]

    assert places == [GRANTED] * at_once + [REMEMBERED]


def test_one_platform_never_holds_another(gate: PlatformGate) -> None:
    enter(gate, 1, "canvas")

    assert gate.enter(2, 2, get_lms("canvas")) == GRANTED


def fail(gate: PlatformGate, times: int) -> None:
    for _ in range(times):
        assert enter(gate) == GRANTED
        gate.leave(1, answered=False)


def test_rests_after_failures_and_doubles_the_rest(gate: PlatformGate, clock: FakeClock) -> None:
    fail(gate, 5)
    first = enter(gate).rests_until
    assert first == clock() + timedelta(seconds=30)
    clock.advance(30)
    fail(gate, 1)

    assert enter(gate).rests_until == clock() + timedelta(seconds=60)


def test_rest_has_an_end(gate: PlatformGate, clock: FakeClock) -> None:
    for _ in range(30):
        place = enter(gate)
        if place.rests_until is not None:
            assert place.rests_until <= clock() + timedelta(seconds=600)
            clock.moment = place.rests_until
            place = enter(gate)
        assert place == GRANTED
        gate.leave(1, answered=False)

    assert enter(gate).rests_until == clock() + timedelta(seconds=600)


def test_one_probe_at_a_time_after_a_rest(gate: PlatformGate, clock: FakeClock) -> None:
    fail(gate, 5)
    clock.advance(30)

    assert enter(gate, 1) == GRANTED
    assert enter(gate, 2) == REMEMBERED
    assert leave(gate, 1) == [2]
    assert enter(gate, 2) == GRANTED
    assert enter(gate, 3) == GRANTED


def test_pause_that_the_platform_asked_for(gate: PlatformGate, clock: FakeClock) -> None:
    enter(gate, 1, "canvas")
    gate.leave(1, answered=True, wait_seconds=17)

    assert enter(gate, 1, "canvas").rests_until == clock() + timedelta(seconds=17)
    clock.advance(17)
    assert enter(gate, 1, "canvas") == GRANTED


def leave(gate: PlatformGate, platform_id: int, **how: float) -> list[int]:
    """Give a place back; returns who is called."""
    gate.leave(platform_id, answered=True, **how)
    return gate.take_called()


def test_who_leaves_calls_the_next_once(gate: PlatformGate) -> None:
    enter(gate, 1, "canvas")
    for grade_id in (2, 3, 2, 2):
        assert enter(gate, grade_id, "canvas") == REMEMBERED

    assert leave(gate, 1) == [2]
    assert enter(gate, 2, "canvas") == GRANTED
    assert leave(gate, 1) == [3]
    assert enter(gate, 3, "canvas") == GRANTED
    assert leave(gate, 1) == []


def test_who_is_called_in_vain_calls_the_next(gate: PlatformGate) -> None:
    enter(gate, 1, "canvas")
    enter(gate, 2, "canvas")
    enter(gate, 3, "canvas")
    assert leave(gate, 1) == [2]

    gate.pass_on(2)
    assert gate.take_called() == [3]
    gate.pass_on(2)
    assert gate.take_called() == []


def test_who_never_comes_is_not_waited_for(gate: PlatformGate, clock: FakeClock) -> None:
    """Another process took the job that was made for it."""
    enter(gate, 1, "canvas")
    enter(gate, 2, "canvas")
    enter(gate, 3, "canvas")
    assert leave(gate, 1) == [2]
    assert enter(gate, 4, "canvas") == GRANTED
    clock.advance(6)

    assert leave(gate, 1) == [3]


def test_only_a_full_platform_makes_wait(gate: PlatformGate) -> None:
    before = gate.waits(1, 7)
    enter(gate, 1, "canvas")
    full = gate.waits(1, 7)

    assert (before, full) == (False, True)
    assert leave(gate, 1) == [7]


def test_rest_is_told_at_the_door(gate: PlatformGate, clock: FakeClock) -> None:
    fail(gate, 5)

    assert not gate.waits(1, 1)
    assert enter(gate).rests_until == clock() + timedelta(seconds=30)


def test_who_waits_is_called_again_by_the_clock(gate: PlatformGate, clock: FakeClock) -> None:
    """The grade that was called is worked elsewhere, and none leaves any more."""
    for grade_id in (1, 2, 3):
        enter(gate, grade_id, "canvas")
    assert gate.call_waiting() == []
    assert leave(gate, 1) == [2]
    assert gate.call_waiting() == []  # the place is kept for it
    clock.advance(3)

    assert gate.call_waiting() == [3]


def test_who_waits_is_called_after_a_pause(gate: PlatformGate, clock: FakeClock) -> None:
    enter(gate, 1, "canvas")
    enter(gate, 2, "canvas")
    assert leave(gate, 1, wait_seconds=1.0) == []
    assert gate.call_waiting() == []
    clock.advance(1)

    assert gate.call_waiting() == [2]
