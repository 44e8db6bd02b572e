"""Serving a practice app: a free port, a taken one, a clean end."""

import signal
import subprocess
import sys

import pytest
import requests
from flask import Flask

from lti_sandbox.server import on_stop, serve

FOREVER = """
from flask import Flask
from lti_sandbox.server import on_stop, run_forever
app = Flask("practice")
on_stop(app, lambda: print("stopped"))
run_forever(app, 0, banner=lambda url: url)
"""


def test_stop_ends_server_and_background() -> None:
    ended: list[str] = []
    app = Flask("practice")
    on_stop(app, lambda: ended.append("first"))
    on_stop(app, lambda: ended.append("second"))

    with serve(app) as running:
        answer = requests.get(running.url, timeout=10)

    assert answer.status_code == 404
    assert ended == ["second", "first"]
    with pytest.raises(requests.ConnectionError):
        requests.get(running.url, timeout=10)


def test_taken_port_is_an_error() -> None:
    with serve(Flask("first")) as running, pytest.raises(OSError):
        serve(Flask("second"), port=running.port)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_it_cleanly(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", FOREVER], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        answer = requests.get(url, timeout=10)

        process.send_signal(number)
        rest, _ = process.communicate(timeout=20)

    assert answer.status_code == 404
    assert (process.returncode, rest.strip()) == (0, "stopped")
