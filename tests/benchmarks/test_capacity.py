"""The capacity model: what its figures mean, and what it refuses."""

import pytest

from tests.benchmarks.capacity import (
    Demand,
    Habits,
    Measured,
    hours_into_canvas,
    plan,
    read_measured,
    rush,
    year,
)

MEASURED = Measured(launches=100, scores=50)
HABITS = Habits(load=0.5)


@pytest.mark.parametrize(
    "launches, completions, web, workers",
    [(0, 0, 1, 1), (50, 25, 1, 1), (51, 26, 2, 2), (500, 0, 10, 1), (0, 100, 1, 4)],
    ids=["no load", "half of each", "just over half of each", "only launches", "only completions"],
)
def test_half_of_each_process_is_planned(
    launches: float, completions: float, web: int, workers: int
) -> None:
    found = plan(Demand("a day", launches, completions), MEASURED, HABITS)

    assert (found.web_processes, found.workers) == (web, workers)


def test_more_registrations_need_as_many_times_more() -> None:
    small, large = year(1e6, HABITS), year(1e8, HABITS)

    assert large.launches == pytest.approx(100 * small.launches)
    assert large.completions == pytest.approx(large.launches / HABITS.launches_per_registration)


def test_rush_is_launches_alone() -> None:
    found = plan(rush(6_000), MEASURED, HABITS)

    assert (found.demand.launches, found.workers) == (100, 1)
    # Everybody comes for the first time: exists, create, link.
    assert found.scorm_cloud_calls == 300


def test_canvas_takes_one_score_after_another() -> None:
    assert hours_into_canvas(12_000, HABITS) == pytest.approx(1.0)


def test_idle_process_is_refused() -> None:
    with pytest.raises(ValueError, match="carry anything"):
        plan(rush(1), Measured(0, 1), HABITS)


def test_reads_the_median_of_the_runs() -> None:
    results = {
        "launches": {
            "figures": [{"name": "bridge, sqlite, first launches", "per_second": [9, 70, 80]}]
        },
        "passback": {"rates": [{"name": "sqlite, no latency", "per_second": [30]}]},
    }

    assert read_measured(results, "sqlite") == Measured(70, 30)
    with pytest.raises(ValueError, match="run `make bench` first"):
        read_measured(results, "postgresql")
