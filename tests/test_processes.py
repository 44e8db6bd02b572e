"""The server and the demo end with everything that they started, however they end."""

import gc
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lti_bridge.core.config import environment_without_settings
from lti_bridge.core.errors import BridgeError
from lti_bridge.core.http.session import Outbound
from lti_bridge.core.processes import GARBAGE_THRESHOLDS, settle

pytestmark = [
    pytest.mark.deep("starts and kills whole servers"),
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes in /proc"),
]
WAIT_SECONDS = 60


def wait_until(condition: Callable[[], object], what: str) -> None:
    ends = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < ends, f"gave up waiting until {what}"
        time.sleep(0.05)


def session_of(pid: int) -> set[int]:
    """Return the living processes of the session that `pid` leads."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == pid and fields[0] != "Z":
            found.add(int(stat.parent.name))
    return found


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start commands, each in a session of its own; whatever is left is ended."""
    started: list[subprocess.Popen[str]] = []
    config = tmp_path / "bridge.toml"
    config.write_text(f"data_dir = {json.dumps(str(tmp_path / 'data'))}\n")

    def start_command(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "lti_bridge", "--config", str(config), *arguments],
            env=environment_without_settings(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start_command
    for process in started:
        for pid in session_of(process.pid):
            os.kill(pid, signal.SIGKILL)
        process.communicate()


STUBBORN = """
import os, signal, subprocess, sys, time
from lti_bridge.processes import end_with_parent
if sys.argv[1:]:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    end_with_parent(int(sys.argv[1]), grace_seconds=0.1)
    print("ready", flush=True)
else:
    subprocess.Popen([sys.executable, "-c", os.environ["STUBBORN"], str(os.getpid())])
time.sleep(600)
"""


def test_stubborn_child_ends_with_its_parent():
    parent = subprocess.Popen(
        [sys.executable, "-c", STUBBORN],
        env={**environment_without_settings(), "STUBBORN": STUBBORN},
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert parent.stdout.readline() == b"ready\n"
        parent.kill()
        parent.wait(WAIT_SECONDS)

        wait_until(lambda: not session_of(parent.pid), "the child has ended")
    finally:
        for pid in session_of(parent.pid):
            os.kill(pid, signal.SIGKILL)
        parent.stdout.close()


@pytest.fixture
def served(start) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running `serve` and its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = start("serve", "--port", str(port), "--workers", "1")
    url = f"http://127.0.0.1:{port}"
    wait_until(lambda: answers(url + "/readyz"), "the server is ready")
    yield process, url


def answers(url: str) -> bool:
    outbound = Outbound(allow_private_networks=True)
    try:
        return outbound.send("GET", url, deadline_seconds=5).status_code == 200
    except BridgeError:
        return False
    finally:
        outbound.close()


def worker_of(session: int) -> int | None:
    """Return the process that works off the queue."""
    for pid in session_of(session):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if b"worker" in words:
            return pid
    return None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_server_stops_cleanly(served, number):
    process, _ = served
    everybody = session_of(process.pid)

    process.send_signal(number)

    assert process.wait(WAIT_SECONDS) == 0
    assert len(everybody) == 4  # the parent, gunicorn and its worker, the queue worker
    wait_until(lambda: not session_of(process.pid), "all have ended")


def test_server_prints_the_way_to_the_first_account(served):
    process, url = served

    said = process.stdout.readline() + process.stdout.readline()

    path = re.search(r"http://127.0.0.1:8000(/console/welcome\?invite=\S+)", said)
    assert path, said
    assert answers(url + path[1])
    assert not answers(url + path[1][:-1])


def test_killed_parent_takes_all_along(served):
    process, _ = served

    process.kill()
    process.wait(WAIT_SECONDS)

    wait_until(lambda: not session_of(process.pid), "all have ended")


def test_killed_worker_is_replaced(served):
    process, url = served
    wait_until(lambda: worker_of(process.pid), "the queue worker runs")
    first = worker_of(process.pid)

    os.kill(first, signal.SIGKILL)

    wait_until(lambda: worker_of(process.pid) not in (None, first), "there is another one")
    assert answers(url + "/healthz")


def test_dead_web_server_ends_the_rest(served):
    process, _ = served
    (web,) = [
        pid
        for pid in session_of(process.pid)
        if b"web" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        and Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1] == str(process.pid)
    ]

    os.kill(web, signal.SIGKILL)

    assert process.wait(WAIT_SECONDS) == 1
    wait_until(lambda: not session_of(process.pid), "all have ended")


@pytest.mark.parametrize("dialect", ["canvas", "moodle"])
def test_demo_prints_its_addresses_and_leaves_nothing(start, dialect):
    process = start("demo", "--dialect", dialect)
    lines = []
    while "Ctrl-C ends everything." not in "".join(lines):
        line = process.stdout.readline()
        assert line, "".join(lines)
        lines.append(line)

    address, console = re.findall(r"http://\S+", "".join(lines))
    assert answers(address)
    assert answers(console)
    everybody = session_of(process.pid)
    os.killpg(process.pid, signal.SIGINT)  # what Ctrl-C does: everybody hears it

    assert process.wait(WAIT_SECONDS) == 0
    assert len(everybody) == 6
    wait_until(lambda: not session_of(process.pid), "all have ended")


def test_demo_can_be_stopped_while_it_starts(start):
    process = start("demo")
    assert process.stdout.readline().startswith("Starting")

    process.send_signal(signal.SIGINT)

    assert process.wait(WAIT_SECONDS) in (0, 1)
    assert "Traceback" not in process.stdout.read()
    wait_until(lambda: not session_of(process.pid), "all have ended")


def test_what_a_server_keeps_is_not_searched_for_garbage() -> None:
    thresholds = gc.get_threshold()
    try:
        settle()

        assert gc.get_freeze_count() > 0
        assert gc.get_threshold() == GARBAGE_THRESHOLDS
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)
