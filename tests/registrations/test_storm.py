"""Whatever SCORM Cloud's network does, every registration is made exactly once."""

import random
import threading
from collections.abc import Callable

import pytest

from lti_bridge.core.errors import LaunchRejected, Unavailable
from tests.conftest import FakeClock
from tests.practice_cloud import Answer, CarryOn, LoseAnswer, PracticeCloud
from tests.registrations.conftest import Node

pytestmark = pytest.mark.deep("many threads over a bad network")

LEARNERS = [f"learner-{number}" for number in range(5)]


@pytest.mark.parametrize("duplicate", ["reject", "reset"])
def test_bad_network_makes_every_registration_once(
    make_node: Callable[[], Node], cloud: PracticeCloud, clock: FakeClock, duplicate: str
) -> None:
    cloud.faults(duplicate_registration=duplicate)
    chance = random.Random(4)
    nodes = [make_node(), make_node()]
    names: dict[str, set[str]] = {learner: set() for learner in LEARNERS}

    def disturb(method: str, path: str, carry_on: CarryOn) -> None:
        # Only POSTs are disturbed: safe calls are simply repeated, which tests nothing here.
        if path == "/registrations":
            luck = chance.random()
            if luck < 0.3:
                raise Answer("503 Down")
            if luck < 0.6:
                carry_on()
                raise LoseAnswer()
            if luck < 0.8:
                carry_on()
                raise Answer("400 Odd")

    def click(node: Node, learner: str) -> None:
        try:
            names[learner].add(node.launch(sub=learner))
        except (LaunchRejected, Unavailable):
            pass

    cloud.disturb = disturb
    for _ in range(12):
        waiting = [learner for learner in LEARNERS if not names[learner]]
        pairs = [(node, learner) for learner in waiting for node in nodes]
        threads = [threading.Thread(target=click, args=pair) for pair in pairs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        clock.advance(31)

    made = {name for found in names.values() for name in found}
    assert all(len(found) == 1 for found in names.values()), names
    assert cloud.posts() == {name: {"accepted": 1, "refused": 0} for name in made}
