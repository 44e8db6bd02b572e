"""Some threads of a process may wait for SCORM Cloud; the others never do."""

import itertools
import threading
from concurrent.futures import Future, ThreadPoolExecutor, as_completed

import pytest

from lti_bridge.core.errors import Busy, Unavailable
from lti_bridge.scorm_cloud.concurrency import CallSlots, count_spare
from tests.practice_cloud import PracticeCloud


def in_thread(call_slots: CallSlots) -> bool:
    """Tell whether another thread gets a place now."""
    got = []

    def take() -> None:
        with call_slots.try_to_take() as taken:
            got.append(taken)

    thread = threading.Thread(target=take)
    thread.start()
    thread.join(10)
    return got == [True]


@pytest.mark.parametrize(
    ("threads", "at_most", "waiting"),
    [
        (1, 4, 1),
        (2, 4, 1),
        (3, 4, 2),
        (4, 4, 3),
        (8, 4, 6),
        (12, 4, 9),
        (16, 4, 12),
        (48, 4, 44),
        (48, 100, 36),
        (2, 100, 1),
        (1, 100, 1),
        (4, 1, 3),
        (48, 1, 47),
        (4, 0, 4),
        (1, 0, 1),
    ],
    ids=[
        "1 thread, at most 4",
        "2 threads, at most 4",
        "3 threads, at most 4",
        "4 threads, at most 4",
        "8 threads, at most 4",
        "12 threads, at most 4",
        "16 threads, at most 4",
        "48 threads, at most 4",
        "48 threads, at most 100",
        "2 threads, at most 100",
        "1 thread, at most 100",
        "4 threads, at most 1",
        "48 threads, at most 1",
        "4 threads, at most 0",
        "1 thread, at most 0",
    ],
)
def test_spare_threads_are_a_share(threads: int, at_most: int, waiting: int) -> None:
    assert threads - count_spare(threads, at_most) == waiting


class Waiters:
    """Threads that take a place, and what each got."""

    def __init__(self, call_slots: CallSlots) -> None:
        self._call_slots = call_slots
        self._pool = ThreadPoolExecutor(8)

    def take(self) -> "Future[bool]":
        """Take a place in another thread; False when it is told that it is Busy."""
        return self._pool.submit(self._take)

    def _take(self) -> bool:
        try:
            with self._call_slots.take():
                return True
        except Busy:
            return False


@pytest.mark.parametrize(
    ("spare", "patient"),
    [(0, 1), (1, 1), (2, 1), (3, 1), (4, 2), (8, 4)],
    ids=["none spare", "1 spare", "2 spare", "3 spare", "4 spare", "8 spare"],
)
def test_half_of_the_spare_wait(spare: int, patient: int) -> None:
    call_slots = CallSlots(1, spare=spare, patience_seconds=60)
    waiters = Waiters(call_slots)

    with call_slots.take():
        asked = [waiters.take() for _ in range(patient + 2)]
        refused = [future.result(30) for future in itertools.islice(as_completed(asked), 2)]

    assert refused == [False, False]
    assert sum(future.result(30) for future in asked) == patient


def test_patience_has_an_end() -> None:
    call_slots = CallSlots(1, patience_seconds=0.01)
    waiters = Waiters(call_slots)

    with call_slots.take():
        first = waiters.take().result(30)
        second = waiters.take().result(30)

    assert (first, second) == (False, False)
    assert waiters.take().result(30)


def test_trying_never_waits() -> None:
    call_slots = CallSlots(1, patience_seconds=60)

    with call_slots.take():
        assert not in_thread(call_slots)


def test_there_are_so_many_places() -> None:
    call_slots = CallSlots(1)

    with call_slots.take():
        meanwhile = in_thread(call_slots)

    assert (meanwhile, in_thread(call_slots)) == (False, True)


def test_a_thread_needs_one_place() -> None:
    call_slots = CallSlots(1)

    with call_slots.take(), call_slots.take(), call_slots.try_to_take() as taken:
        assert taken
        assert not in_thread(call_slots)

    assert in_thread(call_slots)


def test_without_a_limit_all_may_wait() -> None:
    call_slots = CallSlots()

    with call_slots.take():
        assert in_thread(call_slots)


def test_failure_gives_the_place_back() -> None:
    call_slots = CallSlots(1)

    with pytest.raises(ValueError), call_slots.take():
        raise ValueError

    assert in_thread(call_slots)


def test_call_without_a_place_is_not_sent(cloud: PracticeCloud) -> None:
    call_slots = CallSlots(1, patience_seconds=0)
    client = cloud.make_client(call_slots=call_slots)
    failures: list[Exception] = []

    def call() -> None:
        try:
            client.ping(deadline_seconds=5)
        except Unavailable as error:
            failures.append(error)

    with call_slots.take():
        thread = threading.Thread(target=call)
        thread.start()
        thread.join(10)

    assert [type(error) for error in failures] == [Busy]
    assert cloud.asked == []
