"""One thread makes every call whose moment has come, and no other."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from lti_bridge.core import deadlines as module
from lti_bridge.core.deadlines import Deadlines


@pytest.fixture
def deadlines() -> Iterator[Deadlines]:
    made = Deadlines("test")
    yield made
    made.close()


def test_calls_when_the_time_is_over(deadlines: Deadlines) -> None:
    called = threading.Event()

    deadlines.add(called.set, 0.05)

    assert called.wait(10)


def test_leaves_what_is_over(deadlines: Deadlines) -> None:
    over, later = threading.Event(), threading.Event()

    deadlines.add(over.set, 0.01).over = True
    deadlines.add(later.set, 0.05)

    assert later.wait(10)
    assert not over.is_set()


def test_shorter_one_comes_before(deadlines: Deadlines) -> None:
    long, short = threading.Event(), threading.Event()

    deadlines.add(long.set, 60)
    time.sleep(0.05)  # the thread waits for the long one by now
    deadlines.add(short.set, 0.05)

    assert short.wait(10)
    assert not long.is_set()


def test_many_calls_share_one_thread(deadlines: Deadlines) -> None:
    ran_on: list[int] = []
    done = threading.Event()

    for _ in range(50):
        deadlines.add(lambda: ran_on.append(threading.get_ident()), 0.05)
    deadlines.add(done.set, 0.1)

    assert done.wait(10)
    assert len(ran_on) == 50
    assert len(set(ran_on)) == 1


def test_ended_calls_are_not_kept(deadlines: Deadlines, monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "MOST_ENDED", 8)
    small = Deadlines("test")

    for _ in range(100):
        small.add(deadlines.close, 60).over = True

    assert len(small._heap) <= 9


def test_closed_heap_calls_nothing_more(deadlines: Deadlines) -> None:
    called = threading.Event()
    deadlines.add(called.set, 0.05)
    thread = deadlines._thread
    assert thread is not None

    deadlines.close()
    deadlines.add(called.set, 0)
    thread.join(10)

    assert not thread.is_alive()
    assert not called.is_set()


FORKED = """
import os, socket
from lti_bridge.core.http.address_guard import Deadline, _hold

def is_cut():
    one, other = socket.socketpair()
    with Deadline(0.05):
        _hold(one)
        other.settimeout(10)
        return other.recv(1) == b""

assert is_cut()
if child := os.fork():
    raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
os._exit(0 if is_cut() else 1)
"""


def test_forked_process_cuts_too() -> None:
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKED]

    ended = subprocess.run(command, timeout=60, capture_output=True, text=True)

    assert ended.returncode == 0, ended.stderr
