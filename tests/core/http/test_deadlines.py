"""One thread cuts every call whose time is over, and no other."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from lti_bridge.core.http import deadlines as module
from lti_bridge.core.http.deadlines import Watch


class Call:
    """Something with an end; says when it was cut."""

    def __init__(self) -> None:
        self.over = False
        self.was_cut = threading.Event()

    def cut(self) -> None:
        self.was_cut.set()


@pytest.fixture
def watch() -> Iterator[Watch]:
    yield Watch()


def test_cuts_what_takes_too_long(watch: Watch) -> None:
    call = Call()

    watch.add(call, 0.05)

    assert call.was_cut.wait(10)


def test_leaves_what_is_over(watch: Watch) -> None:
    over, later = Call(), Call()
    over.over = True

    watch.add(over, 0.01)
    watch.add(later, 0.05)

    assert later.was_cut.wait(10)
    assert not over.was_cut.is_set()


def test_shorter_call_is_cut_before(watch: Watch) -> None:
    long, short = Call(), Call()

    watch.add(long, 60)
    time.sleep(0.05)  # the thread waits for the long one by now
    watch.add(short, 0.05)

    assert short.was_cut.wait(10)
    assert not long.was_cut.is_set()


def test_many_calls_share_one_thread(watch: Watch) -> None:
    calls = [Call() for _ in range(50)]
    before = threading.active_count()

    for call in calls:
        watch.add(call, 0.2)

    assert threading.active_count() == before + 1
    assert all(call.was_cut.wait(10) for call in calls)


def test_ended_calls_are_not_kept(monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "MOST_ENDED", 8)
    watch = Watch()

    for _ in range(100):
        call = Call()
        watch.add(call, 60)
        call.over = True

    assert len(watch._heap) <= 9


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
