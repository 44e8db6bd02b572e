"""A small share of the full fuzz (`make fuzz`); LTI_BRIDGE_FUZZ_SEED replaces its seed."""

import os

import pytest

from tests.conftest import postgresql_database
from tests.fuzz.run import Figures, run_fuzz

pytestmark = pytest.mark.deep("thousands of requests")

SEED = os.environ.get("LTI_BRIDGE_FUZZ_SEED", "1")


def assert_near_enough(figures: Figures) -> None:
    """Most of it must reach what a launch reaches, or it proves nothing."""
    assert figures.near > figures.requests / 2
    assert figures.passed > figures.requests / 20
    assert len(figures.codes) > 20


def test_no_request_breaks_the_bridge(tmp_path):
    figures = run_fuzz(tmp_path, SEED, requests=2500, seconds=100)

    assert_near_enough(figures)


@pytest.mark.postgresql
def test_no_request_breaks_the_bridge_on_postgresql(tmp_path):
    with postgresql_database() as url:
        figures = run_fuzz(tmp_path, SEED, requests=1000, seconds=100, database_url=url)

    assert_near_enough(figures)
