"""Serve a practice app on loopback: in a thread for tests and the demo, or until told to stop."""

import signal
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

ON_STOP = "sandbox_on_stop"


class QuietHandler(WSGIRequestHandler):
    """A request handler without access log that closes the socket after a dropped answer."""

    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing: tests and the demo make thousands of requests."""

    def connection_dropped(self, error: BaseException, environ: object = None) -> None:
        """End the connection, or the client would wait for an answer that never comes."""
        self.close_connection = True


@dataclass
class RunningServer:
    """A practice server that answers at `url` until `stop()`."""

    url: str
    port: int
    app: Flask
    _server: BaseWSGIServer
    _thread: threading.Thread

    def stop(self) -> None:
        """Stop listening, then stop what the app runs in the background. Safe to call twice."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=10)
        run_on_stop(self.app)

    def __enter__(self) -> "RunningServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def on_stop(app: Flask, callback: Callable[[], None]) -> None:
    """Have a callback run when the app's server stops; for background threads of the app."""
    app.extensions.setdefault(ON_STOP, []).append(callback)


def run_on_stop(app: Flask) -> None:
    """Run what `on_stop` collected, newest first."""
    for callback in reversed(app.extensions.get(ON_STOP, [])):
        callback()


def serve(app: Flask, host: str = "127.0.0.1", port: int = 0) -> RunningServer:
    """Serve an app in a daemon thread and return the running server.

    Port 0 picks a free one. Raises OSError when the port is taken.
    """
    server = _listen(app, host, port)
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
    )
    thread.start()
    return RunningServer(f"http://{host}:{server.port}", server.port, app, server, thread)


def run_forever(
    app: Flask, port: int, host: str = "127.0.0.1", *, banner: Callable[[str], str] | None = None
) -> None:
    """Serve an app until SIGINT or SIGTERM; `banner(url)` is printed once it answers.

    Raises OSError when the port is taken. Call it from the main thread: it sets signal handlers.
    """
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with serve(app, host, port) as running:
            if banner is not None:
                print(banner(running.url), flush=True)
            while not ended.wait(1):
                pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        sys.stdout.flush()


def _listen(app: Flask, host: str, port: int) -> BaseWSGIServer:
    # Binding here gives an OSError; werkzeug's own binding prints and leaves the process.
    with socket.create_server((host, port), backlog=128) as listening:
        return make_server(
            host,
            listening.getsockname()[1],
            app,
            threaded=True,
            request_handler=QuietHandler,
            fd=listening.fileno(),
        )
