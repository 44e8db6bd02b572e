"""When an exit's result is here, and when to look again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lti_bridge.passback.rules.settlement import (
    PollState,
    Seen,
    is_settled,
    knows_more_than,
    next_look_at,
    quiet_until,
    wants_history,
)
from lti_bridge.scorm_cloud.progress import Completion, LaunchHistoryEntry, Success

EXIT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
LOOKS = PollState(since=EXIT)
REAL = Seen(differs=True, rests_on_result=True)
INFERRED = Seen(differs=True, rests_on_result=False, inferred=True)
SAME = Seen(differs=False, rests_on_result=True)


def after(seconds: float) -> datetime:
    return EXIT + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "made, at, expected",
    [(0, -1, 0), (1, 0, 1), (2, 1, 3), (3, 3, 7), (4, 7, 15), (5, 15, 30), (6, 30, None)],
    ids=["none made", "1 made", "2 made", "3 made", "4 made", "5 made", "all made"],
)
def test_looks_soon_and_then_less_often(made: int, at: float, expected: float | None) -> None:
    following = next_look_at(replace(LOOKS, made=made), after(at))

    assert following == (None if expected is None else after(expected))


@pytest.mark.parametrize(
    "made, at, expected",
    [(2, 0.2, 1), (3, 0.3, 1), (5, 4, 7), (6, 4, 30), (9, 4, 30), (9, 30, None)],
    ids=[
        "between the first looks",
        "after several early ones",
        "before the look at 7 s",
        "before the last look",
        "after more looks than planned",
        "at the end",
    ],
)
def test_look_woken_early_takes_no_place(made: int, at: float, expected: float | None) -> None:
    following = next_look_at(replace(LOOKS, made=made), after(at))

    assert following == (None if expected is None else after(expected))


@pytest.mark.parametrize(
    "made, at, expected",
    [(1, 0, 12), (2, 12, 30), (3, 30, None)],
    ids=["1 made", "2 made", "all made"],
)
def test_looks_less_when_postbacks_work(made: int, at: float, expected: float | None) -> None:
    looks = replace(LOOKS, made=made, postbacks_work=True)

    following = next_look_at(looks, after(at))

    assert following == (None if expected is None else after(expected))


def test_late_look_replaces_those_it_missed() -> None:
    assert next_look_at(replace(LOOKS, made=1), after(10)) == after(15)
    assert next_look_at(replace(LOOKS, made=1), after(100)) is None


@pytest.mark.parametrize(
    "seen, expected",
    [
        (REAL, True),
        (SAME, False),
        (INFERRED, False),
        (replace(INFERRED, ended=True), True),
        (replace(SAME, announced=True), True),
        (replace(INFERRED, announced=True), False),
        (Seen(differs=True, rests_on_result=False), False),
    ],
    ids=[
        "result",
        "unchanged",
        "inferred",
        "inferred after the end",
        "unchanged but announced",
        "inferred and announced",
        "change without a result",
    ],
)
def test_settles_on_news_that_rests_on_a_result(seen: Seen, expected: bool) -> None:
    assert is_settled(LOOKS, seen) is expected


def test_announced_word_is_enough_before_the_exit() -> None:
    assert is_settled(replace(LOOKS, exited=False), replace(INFERRED, announced=True))


def test_overlapping_launch_runs_its_whole_schedule() -> None:
    assert not is_settled(replace(LOOKS, overlaps=True), REAL)


def test_history_is_asked_when_a_grade_is_first_inferred() -> None:
    assert wants_history(replace(LOOKS, made=1), INFERRED)
    assert not wants_history(replace(LOOKS, made=2, history_made=1), INFERRED)


@pytest.mark.parametrize(
    "seen",
    [REAL, SAME, replace(INFERRED, ended=True)],
    ids=["result", "unchanged", "inferred after the end"],
)
def test_history_is_not_asked_in_vain(seen: Seen) -> None:
    assert not wants_history(replace(LOOKS, made=1), seen)


def test_history_is_asked_again_at_the_last_look_but_one() -> None:
    looks = PollState(since=EXIT, made=2, history_made=1, postbacks_work=True)

    assert wants_history(looks, INFERRED)


@pytest.mark.parametrize(
    "postbacks_work", [True, False], ids=["with postbacks", "without postbacks"]
)
def test_never_more_than_seven_reads(postbacks_work: bool) -> None:
    looks, now, reads = PollState(since=EXIT, postbacks_work=postbacks_work), EXIT, 0

    while True:
        reads += 1
        looks = replace(looks, made=looks.made + 1)
        if wants_history(looks, INFERRED):
            reads += 1
            looks = replace(looks, history_made=looks.history_made + 1)
        following = next_look_at(looks, now)
        if following is None:
            break
        now = following

    assert reads <= 7
    assert now == after(30)


@pytest.mark.parametrize(
    "end, knows_more",
    [
        (("COMPLETED", "UNKNOWN", None), False),
        (("INCOMPLETE", "UNKNOWN", None), False),
        (("COMPLETED", "FAILED", 65.0), True),
        (("COMPLETED", "UNKNOWN", 65.0), True),
        (("COMPLETED", "PASSED", None), True),
    ],
    ids=[
        "the same",
        "less",
        "failed with a score",
        "completed with a score",
        "passed without a score",
    ],
)
def test_history_may_know_more(end: tuple[str, str, float | None], knows_more: bool) -> None:
    completion, success, score = end
    entry = LaunchHistoryEntry(EXIT, EXIT, Completion(completion), Success(success), score)

    assert knows_more_than(entry, "COMPLETED", "UNKNOWN", None) is knows_more
    assert not knows_more_than(entry, *end)


def test_quiet_time_starts_at_the_newest_change() -> None:
    assert quiet_until(EXIT) == EXIT + timedelta(minutes=30)
    assert quiet_until(None) is None
