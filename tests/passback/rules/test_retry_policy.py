"""When to try again."""

from datetime import UTC, datetime, timedelta

import pytest

from lti_bridge.passback.rules.retry_policy import Backoff, gives_up, wait_seconds

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "failures, expected",
    [(0, 5), (1, 5), (2, 10), (5, 80), (11, 3600), (10_000, 3600)],
    ids=[
        "no failure",
        "1 failure",
        "2 failures",
        "5 failures",
        "first at the most",
        "many failures",
    ],
)
def test_doubles_up_to_the_most(failures: int, expected: float) -> None:
    assert wait_seconds(failures, 1.0, Backoff()) == expected


def test_jitter_takes_up_to_half() -> None:
    assert wait_seconds(1, 0.0, Backoff()) == 2.5


@pytest.mark.parametrize(
    "asked, expected",
    [(None, 5), (3.0, 5), (120.0, 120), (1e9, 86400)],
    ids=["not asked", "less than the backoff", "more than the backoff", "more than a day"],
)
def test_respects_what_the_remote_asks(asked: float | None, expected: float) -> None:
    assert wait_seconds(1, 1.0, Backoff(), asked) == expected


def test_gives_up_after_the_days() -> None:
    assert not gives_up(NOW - timedelta(days=14), NOW, 14)
    assert gives_up(NOW - timedelta(days=14, seconds=1), NOW, 14)
