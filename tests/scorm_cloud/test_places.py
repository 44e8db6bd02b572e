"""Some threads of a process may wait for SCORM Cloud; the others never do."""

import threading

import pytest

from lti_bridge.errors import Busy, Unavailable
from lti_bridge.scorm_cloud.places import Places
from tests.practice_cloud import PracticeCloud


def in_thread(places: Places) -> bool:
    """Tell whether another thread gets a place now."""
    got = []

    def take() -> None:
        with places.try_to_take() as taken:
            got.append(taken)

    thread = threading.Thread(target=take)
    thread.start()
    thread.join(10)
    return got == [True]


def test_there_are_so_many_places() -> None:
    places = Places(1)

    with places.take():
        meanwhile = in_thread(places)

    assert (meanwhile, in_thread(places)) == (False, True)


def test_a_thread_needs_one_place() -> None:
    places = Places(1)

    with places.take(), places.take(), places.try_to_take() as taken:
        assert taken
        assert not in_thread(places)

    assert in_thread(places)


def test_without_a_limit_all_may_wait() -> None:
    places = Places()

    with places.take():
        assert in_thread(places)


def test_failure_gives_the_place_back() -> None:
    places = Places(1)

    with pytest.raises(ValueError), places.take():
        raise ValueError

    assert in_thread(places)


def test_call_without_a_place_is_not_sent(cloud: PracticeCloud) -> None:
    places = Places(1)
    client = cloud.make_client(places=places)
    failures: list[Exception] = []

    def call() -> None:
        try:
            client.ping(deadline_seconds=5)
        except Unavailable as error:
            failures.append(error)

    with places.take():
        thread = threading.Thread(target=call)
        thread.start()
        thread.join(10)

    assert [type(error) for error in failures] == [Busy]
    assert cloud.asked == []
