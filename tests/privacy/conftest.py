"""Two learners, with everything that the bridge may keep of them."""

import pytest

from tests.privacy.people import People, make_people
from tests.world import World


@pytest.fixture
def people(world: World) -> People:
    return make_people(world)
