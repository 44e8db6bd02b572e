"""Writers of one SQLite file: one at a time, and none goes again and again while another waits."""

import fcntl
import multiprocessing
import os
import signal
import time
from itertools import groupby
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from lti_bridge.core.sqlite_turns import PATIENCE_SECONDS, Turns

EACH = 40
WORK_SECONDS = 0.003
SPAWN = multiprocessing.get_context("spawn")


class SleepersClock:
    """Its time passes only in sleeps."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def write_often(database: Path, diary: Path, name: str) -> None:
    """Take so many turns, one right after the other, and note how each began and ended."""
    turns = Turns(database, 60)
    file = os.open(diary, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.write(file, f"ready {name}\n".encode())
    while diary.read_text("utf-8").count("ready") < 2:
        time.sleep(0.001)
    for _ in range(EACH):
        assert turns.take()
        os.write(file, f"{name} begins\n".encode())
        time.sleep(WORK_SECONDS)
        os.write(file, f"{name} ends\n".encode())
        turns.give_back()


def hold(database: Path, held: Event) -> None:
    """Take a turn and never give it back."""
    Turns(database, 60).take()
    held.set()
    signal.pause()


def test_processes_go_in_turns(tmp_path: Path) -> None:
    diary = tmp_path / "diary.txt"
    writers = [
        SPAWN.Process(target=write_often, args=(tmp_path / "db.sqlite3", diary, name))
        for name in ("ann", "ben")
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    lines = [line for line in diary.read_text("utf-8").splitlines() if "ready" not in line]

    begun, ended = lines[::2], lines[1::2]
    assert len(begun) == 2 * EACH
    assert [line.replace("begins", "ends") for line in begun] == ended
    # The last one waits for no other.
    runs = [len(list(group)) for _, group in groupby(begun)][:-1]
    assert len(runs) > EACH / 2, runs


@pytest.mark.timeout(60)
def test_dead_process_lets_go(tmp_path: Path) -> None:
    held = SPAWN.Event()
    holder = SPAWN.Process(target=hold, args=(tmp_path / "db.sqlite3", held))
    holder.start()
    assert held.wait(30)
    holder.kill()
    holder.join()
    turns = Turns(tmp_path / "db.sqlite3", 3600)

    assert turns.take()
    turns.give_back()
    turns.close()


def test_stopped_process_lets_others_wait_once(tmp_path: Path) -> None:
    """Who waits in vain asks SQLite, and does not wait again for each write that follows."""
    clock = SleepersClock()
    stuck, waiting = (Turns(tmp_path / "db.sqlite3", 5, clock) for _ in range(2))
    stuck.take()
    for _ in range(20):
        assert waiting.take()
        waiting.give_back()

    assert clock.now == pytest.approx(PATIENCE_SECONDS, abs=0.01)
    stuck.give_back()
    assert not any(_is_locked(tmp_path / f"db.sqlite3-{name}") for name in ("next", "turn"))
    stuck.close()
    waiting.close()


def test_goes_on_where_no_file_can_be_made(tmp_path: Path) -> None:
    turns = Turns(tmp_path / "nowhere" / "db.sqlite3", 5)

    assert turns.take()
    turns.give_back()
    assert turns.take()


def _is_locked(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False
