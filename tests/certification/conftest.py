"""One bridge for all tests of a module, on each database; every test brings its own browser."""

from collections.abc import Iterator

import pytest

from tests.certification.bench import Bench
from tests.conftest import postgresql_database
from tests.door import Door, open_door


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]
)
def door(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Door]:
    """A whole bridge, with a practice SCORM Cloud and several platforms."""
    folder = tmp_path_factory.mktemp("door")
    if request.param == "sqlite":
        with open_door(f"sqlite:///{folder / 'bridge.sqlite3'}", folder) as door:
            yield door
        return
    with postgresql_database() as url, open_door(url, folder) as door:
        yield door


@pytest.fixture
def bench(door: Door) -> Bench:
    """A browser with a login that waits for its launch."""
    return Bench(door)
