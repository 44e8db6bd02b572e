"""The web server takes what an LMS sends, and no more."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from lti_bridge.core.config import environment_without_settings
from lti_bridge.core.errors import BridgeError
from lti_bridge.core.http.session import Outbound
from lti_bridge.server import MAX_REQUEST_LINE

WAIT_SECONDS = 30
UNKNOWN = "This LMS is not connected"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running `serve`, without a worker."""
    folder = tmp_path_factory.mktemp("served")
    config = folder / "bridge.toml"
    config.write_text(f"data_dir = {json.dumps(str(folder / 'data'))}\n")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "lti_bridge", "--config", str(config), "serve", "--no-worker"]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--workers", "1", "--threads", "2"],
        env=environment_without_settings(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for(url: str) -> None:
    ends = time.monotonic() + WAIT_SECONDS
    while ask(url, "/healthz")[0] != 200:
        assert time.monotonic() < ends, "the server does not answer"
        time.sleep(0.05)


def ask(url: str, path: str, **headers: str) -> tuple[int, str]:
    outbound = Outbound(allow_private_networks=True)
    try:
        answer = outbound.send("GET", url + path, deadline_seconds=10, headers=headers)
    except BridgeError:
        return 0, ""
    finally:
        outbound.close()
    return answer.status_code, answer.text


def login_of(characters: int) -> str:
    """Return a login's address by which the request's first line has so many characters."""
    values = {"iss": "https://lms.example", "target_link_uri": "x", "lti_message_hint": "m"}
    path = f"/lti/login?{urlencode(values)}&login_hint="
    missing = characters - len(f"GET {path} HTTP/1.1")
    path = path.replace("hint=m", "hint=" + "m" * min(16_000, missing // 2))
    return path + "h" * (characters - len(f"GET {path} HTTP/1.1"))


def test_long_hints_arrive(served: str) -> None:
    status, page = ask(served, login_of(32_000))

    assert status == 400
    assert UNKNOWN in page


@pytest.mark.parametrize(("beyond", "told"), [(0, 400), (1, 414)], ids=["longest", "too long"])
def test_first_line_has_an_end(served: str, beyond: int, told: int) -> None:
    status, _ = ask(served, login_of(MAX_REQUEST_LINE + beyond))

    assert status == told


def test_cookies_of_many_logins_fit(served: str) -> None:
    cookie = "; ".join(f"lti_bridge_login_{n:012}={10**15 + n}.{'s' * 32}" for n in range(8))
    others = f"; other={'x' * 6000}"  # an LMS on the same host

    status, page = ask(served, login_of(500), Cookie=cookie + others)

    assert status == 400
    assert UNKNOWN in page
