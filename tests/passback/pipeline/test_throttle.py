"""The gate: few posts at once, a rest after failures, a probe, a pause that was asked for."""

import pytest

from lti_bridge.core.config import PassbackSettings
from lti_bridge.lms.registry import get_lms
from lti_bridge.passback.pipeline.throttle import PlatformGate
from tests.conftest import FakeClock


@pytest.fixture
def gate(clock: FakeClock) -> PlatformGate:
    return PlatformGate(PassbackSettings(), clock)


@pytest.mark.parametrize(("dialect", "at_once"), [("canvas", 1), ("moodle", 4), ("generic", 4)])
def test_lets_few_in_at_once(gate: PlatformGate, dialect: str, at_once: int) -> None:
    waits = [gate.enter(1, get_lms(dialect)) for _ in range(at_once + 1)]

    assert waits[:-1] == [0.0] * at_once
    assert waits[-1] > 0


def test_one_platform_never_holds_another(gate: PlatformGate) -> None:
    gate.enter(1, get_lms("canvas"))

    assert gate.enter(2, get_lms("canvas")) == 0


def fail(gate: PlatformGate, times: int) -> None:
    for _ in range(times):
        assert gate.enter(1, get_lms("moodle")) == 0
        gate.leave(1, answered=False)


def test_rests_after_failures_and_doubles_the_rest(gate: PlatformGate, clock: FakeClock) -> None:
    fail(gate, 5)
    first = gate.enter(1, get_lms("moodle"))
    clock.advance(first)
    fail(gate, 1)
    second = gate.enter(1, get_lms("moodle"))

    assert (first, second) == (30, 60)


def test_rest_has_an_end(gate: PlatformGate, clock: FakeClock) -> None:
    rest = 0.0
    for _ in range(30):
        clock.advance(rest)
        fail(gate, 1)
        rest = gate.enter(1, get_lms("moodle"))
        if not rest:
            gate.leave(1, answered=False)

    assert rest == 600


def test_one_probe_at_a_time_after_a_rest(gate: PlatformGate, clock: FakeClock) -> None:
    fail(gate, 5)
    clock.advance(30)

    assert gate.enter(1, get_lms("moodle")) == 0
    assert gate.enter(1, get_lms("moodle")) > 0
    gate.leave(1, answered=True)
    assert gate.enter(1, get_lms("moodle")) == 0
    assert gate.enter(1, get_lms("moodle")) == 0


def test_pause_that_the_platform_asked_for(gate: PlatformGate, clock: FakeClock) -> None:
    gate.enter(1, get_lms("canvas"))
    gate.leave(1, answered=True, wait_seconds=17)

    assert gate.enter(1, get_lms("canvas")) == 17
    clock.advance(17)
    assert gate.enter(1, get_lms("canvas")) == 0


def test_crowd_comes_back_one_after_the_other(gate: PlatformGate, clock: FakeClock) -> None:
    """Four posts of 0.2 s at once are 20 a second: the turns lie 0.05 s apart."""
    for _ in range(40):
        gate.enter(1, get_lms("moodle"))
        clock.advance(0.2)
        gate.leave(1, answered=True)
    for _ in range(4):
        gate.enter(1, get_lms("moodle"))

    turns = [gate.find_turn(1) for _ in range(4)]

    assert turns == pytest.approx([0.05, 0.1, 0.15, 0.2], abs=0.001)


def test_turns_begin_anew_when_the_crowd_has_gone(gate: PlatformGate, clock: FakeClock) -> None:
    gate.enter(1, get_lms("canvas"))
    for _ in range(100):
        gate.find_turn(1)
    clock.advance(60)

    assert gate.find_turn(1) == pytest.approx(0.1)


def test_no_turn_is_far_away(gate: PlatformGate) -> None:
    gate.enter(1, get_lms("canvas"))

    assert max(gate.find_turn(1) for _ in range(1000)) <= 20


def test_free_place_needs_no_turn(gate: PlatformGate) -> None:
    before = gate.find_turn(1)
    gate.enter(1, get_lms("canvas"))
    gate.leave(1, answered=True)

    assert (before, gate.find_turn(1)) == (0, 0)


def test_rest_is_told_at_the_door(gate: PlatformGate) -> None:
    fail(gate, 5)

    assert gate.find_turn(1) == 0
    assert gate.enter(1, get_lms("moodle")) == 30
