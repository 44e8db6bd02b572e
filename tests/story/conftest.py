"""The stage for stories: everything in one process, on each database and LMS dialect."""

import time
from collections.abc import Callable, Iterator

import pytest

from lti_bridge.core.config import Settings
from lti_bridge.registrations import create_registration
from tests.story.stage import Stage, close_stage, open_stage
from tests.story.town import Town

# Their processes take long, and what they try does not hang on which database meets which LMS:
# each database has one dialect there, each dialect one database.
PAIRED = ("test_crashes.py", "test_races.py")
PAIRS = ({"sqlite", "moodle"}, {"postgresql", "canvas"})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out the other pairs of these files; elsewhere they are depth."""
    for item in [item for item in items if _has_other_pair(item)]:
        if item.path.name in PAIRED:
            items.remove(item)
        else:
            item.add_marker(pytest.mark.deep("the other pairs of database and LMS"))


def _has_other_pair(item: pytest.Item) -> bool:
    if item.path.parent.name != "story":
        return False
    params = getattr(getattr(item, "callspec", None), "params", {})
    pair = {params.get("database_url"), params.get("dialect")}
    return None not in pair and pair not in PAIRS


@pytest.fixture(params=["moodle", "canvas"])
def dialect(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def stage(settings: Settings, dialect: str) -> Iterator[Stage]:
    """A stage with a worker at work."""
    stage = open_stage(settings, dialect)
    stage.start_worker()
    yield stage
    close_stage(stage)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> Callable[[Town], Town]:
    """Let a town's clock go on with each sleep, and wait for no process that was killed."""

    def make_patient(town: Town) -> Town:
        monkeypatch.setattr(create_registration, "WAIT_FOR_OTHER_SECONDS", 0)
        monkeypatch.setattr(time, "sleep", town.clock.advance)
        return town

    return make_patient


@pytest.fixture
def town(settings: Settings, dialect: str, patient: Callable[[Town], Town]) -> Iterator[Town]:
    town = patient(Town(settings, dialect))
    yield town
    town.close()
