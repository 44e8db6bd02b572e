"""One bridge for all tests of a module, in which every title and name is an attack."""

from collections.abc import Iterator

import pytest

from tests.door import Door, open_door
from tests.security.pages import Pages


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A whole bridge; tests bring their own browsers."""
    folder = tmp_path_factory.mktemp("door")
    with open_door(f"sqlite:///{folder / 'bridge.sqlite3'}", folder) as door:
        yield door


@pytest.fixture(scope="module")
def pages(door: Door) -> Pages:
    """What opens each of its pages."""
    return Pages(door)
