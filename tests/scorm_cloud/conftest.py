"""A practice SCORM Cloud for each test of the door."""

from collections.abc import Iterator

import pytest

from tests.practice_cloud import PracticeCloud


@pytest.fixture
def cloud() -> Iterator[PracticeCloud]:
    cloud = PracticeCloud()
    yield cloud
    cloud.stop()
