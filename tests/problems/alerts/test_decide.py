"""People are told once of what lasts, and of its end: facts in, a decision out."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from lti_bridge.problems.alerts.decide import (
    BEGAN,
    ENDED,
    AlertDecision,
    AlertLine,
    AlertNeeded,
    ChannelFacts,
    SeenFacts,
    decide,
    line_of,
    next_digest_at,
)
from lti_bridge.problems.problem import Problem
from tests.problems.alerts.makers import NOW, make_problem

ONE = make_problem()
CHANNEL = ChannelFacts(7, NOW - timedelta(days=1))


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def seen(problem: Problem = ONE, number: int = 1, **changes: Any) -> SeenFacts:
    facts: dict[str, Any] = {"first_seen_at": ago(60), "last_seen_at": ago(15)}
    values = number, problem.key, str(problem.kind), problem.what, problem.since
    return SeenFacts(*values, **{**facts, **changes})


def decided(
    problems: list[Problem], rows: list[SeenFacts], channels: tuple[ChannelFacts, ...] = (CHANNEL,)
) -> AlertDecision:
    return decide(problems, rows, channels, NOW)


def test_new_problem_is_kept_and_not_told() -> None:
    decision = decided([ONE], [])

    assert (decision.new, decision.messages) == ((ONE,), ())


@pytest.mark.parametrize(
    "problem, row, told",
    [
        (ONE, seen(), True),
        (ONE, seen(first_seen_at=ago(59)), False),
        (ONE, seen(alerted_at=ago(30)), False),
        (make_problem(serious=False), seen(), False),
        (make_problem(told_after=timedelta(hours=2)), seen(), True),
        (make_problem(told_after=timedelta(hours=2, seconds=1)), seen(), False),
        (make_problem(since=ago(60), told_after=timedelta(hours=1)), seen(), False),
    ],
    ids=[
        "confirmed is told",
        "a blip is not",
        "told once, never again",
        "what is not serious stands on the page",
        "waited long enough",
        "waits one more second",
        "a young one waits",
    ],
)
def test_tells_of_what_lasts(problem: Problem, row: SeenFacts, told: bool) -> None:
    decision = decided([problem], [row])

    wanted = (AlertNeeded(7, BEGAN, (line_of(problem),)),) if told else ()
    assert decision.messages == wanted
    assert decision.told == ({1: problem} if told else {})
    assert (decision.lasting, decision.ended, decision.new) == ((1,), (), ())


@pytest.mark.parametrize(
    "row, ended, told",
    [
        (seen(alerted_at=ago(600), last_seen_at=ago(120)), True, True),
        (seen(alerted_at=ago(600), last_seen_at=ago(119)), False, False),
        (seen(last_seen_at=ago(120)), True, False),
        (seen(alerted_at=ago(600), last_seen_at=ago(900), ended_at=ago(700)), False, False),
    ],
    ids=[
        "two minutes away is over",
        "a gap is the same problem",
        "an end of what was not told is silent",
        "ends once",
    ],
)
def test_ends_what_is_gone(row: SeenFacts, ended: bool, told: bool) -> None:
    decision = decided([], [row])

    assert decision.ended == ((1,) if ended else ())
    assert [one.event for one in decision.messages] == ([ENDED] if told else [])


def test_end_names_what_was_told() -> None:
    row = seen(alerted_at=ago(600), last_seen_at=ago(130))

    (message,) = decided([], [row]).messages

    kept = {"kind": "parked", "key": ONE.key, "what": ONE.what, "since": ONE.since}
    assert message.lines == (AlertLine(**kept, ended_at=ago(130)),)


def test_problem_that_comes_back_is_new() -> None:
    row = seen(alerted_at=ago(900), last_seen_at=ago(700), ended_at=ago(500))

    decision = decided([ONE], [row])

    assert decision.anew == ((1, ONE),)
    assert (decision.new, decision.lasting, decision.messages) == ((), (), ())


def test_without_a_channel_nothing_is_told() -> None:
    """What began and ended meanwhile is never told; what lasts is, once there is a channel."""
    lasting, gone = make_problem(1), seen(make_problem(2), 2, last_seen_at=ago(120))

    decision = decided([lasting], [seen(lasting), gone], ())

    assert (decision.told, decision.messages, decision.ended) == ({}, (), (2,))
    assert decided([lasting], [seen(lasting)]).told == {1: lasting}


def test_later_channel_hears_no_end_of_what_it_was_not_told() -> None:
    row = seen(alerted_at=ago(600), last_seen_at=ago(120))
    later = ChannelFacts(8, ago(300))

    assert [one.channel_id for one in decided([], [row], (CHANNEL, later)).messages] == [7]


@pytest.mark.parametrize("count, sizes", [(5, [1] * 5), (6, [6])], ids=["few", "many"])
def test_many_at_once_are_one_message(count: int, sizes: list[int]) -> None:
    problems = [make_problem(number) for number in range(count)]
    rows = [seen(one, number) for number, one in enumerate(problems)]
    over = [
        seen(one, n, alerted_at=ago(60), last_seen_at=ago(120)) for n, one in enumerate(problems)
    ]

    began, ended = decided(problems, rows).messages, decided([], over).messages

    assert [len(one.lines) for one in began] == sizes
    assert [len(one.lines) for one in ended] == sizes
    assert [line.key for one in began for line in one.lines] == [one.key for one in problems]


def test_problem_found_twice_is_told_once() -> None:
    other = make_problem(what="The same cause, in other words.")

    assert decided([ONE, other], [seen()]).messages == (AlertNeeded(7, BEGAN, (line_of(ONE),)),)
    assert decided([ONE, other], []).new == (ONE,)


@pytest.mark.parametrize("hour, day", [(9, 3), (10, 2)], ids=["tomorrow", "today"])
def test_digest_is_due_at_its_hour(hour: int, day: int) -> None:
    assert next_digest_at(NOW, hour) == datetime(2026, 11, day, hour, tzinfo=NOW.tzinfo)
