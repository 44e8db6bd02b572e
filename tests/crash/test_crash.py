"""A small share of the full run (`make crash`), and what that run is made of."""

import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.conftest import postgresql_database
from tests.crash.balancer import Balancer
from tests.crash.report import Figures
from tests.crash.run import Size, run_crash
from tests.crash.world import MODES
from tests.ports import free_port

pytestmark = pytest.mark.deep("kills processes while others wait for them")

SMALL = Size(
    learners=12,
    kills=6,
    seed="1",
    minutes=3,
    pause_seconds=1.5,
    sessions_per_second=2,
    troubles=False,
)


def assert_nothing_lost(figures: Figures) -> None:
    assert figures.holds, figures.details
    assert sum(figures.kills.values()) == SMALL.kills
    assert figures.in_flight_at_least == SMALL.learners
    assert figures.sessions >= SMALL.learners


# A job that dies with its worker comes back after a minute.
@pytest.mark.timeout(240)
def test_nothing_is_lost_on_sqlite(tmp_path: Path) -> None:
    assert_nothing_lost(run_crash(MODES["sqlite"], tmp_path, SMALL))


@pytest.mark.timeout(240)
@pytest.mark.postgresql
def test_nothing_is_lost_on_postgresql(tmp_path: Path) -> None:
    with postgresql_database() as url:
        assert_nothing_lost(run_crash(MODES["postgresql"], tmp_path, SMALL, url))


def test_skewed_clock_is_wrong_for_all_of_a_process() -> None:
    code = """
import datetime, time
true_time, true_now = time.time(), datetime.datetime.now(datetime.UTC)
from tests.crash.skewed import shift_clock
shift_clock(3600)
from datetime import UTC, datetime
print(round((time.time() - true_time) / 3600))
print(round((datetime.now(UTC) - true_now).total_seconds() / 3600))
print(isinstance(true_now, datetime), type(datetime(2026, 1, 1)) is type(true_now))
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert shown.stdout.split() == ["1", "1", "True", "True"]


def test_balancer_passes_by_a_dead_node() -> None:
    port, alive = free_port(), socket.create_server(("127.0.0.1", 0))
    balancer = Balancer(port, [free_port(), alive.getsockname()[1]])

    def answer() -> None:
        for _ in range(2):
            client, _ = alive.accept()
            with client:
                client.sendall(client.recv(100).upper())

    answering = threading.Thread(target=answer)
    answering.start()
    for _ in range(2):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            client.sendall(b"hello")
            assert client.recv(100) == b"HELLO"
    answering.join()
    alive.close()
    balancer.stop()
