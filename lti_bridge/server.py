"""The production web server: gunicorn, configured by code."""

import logging
from collections.abc import Callable
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from gunicorn.http import message

from .app import create_app
from .core.config import Settings
from .core.processes import end_with_parent, settle
from .ops.processes import WEB, Heartbeat
from .problems.alerts.runner import AlertRunner
from .problems.note_writer import NoteWriter
from .scorm_cloud.concurrency import count_spare
from .services import EXTENSION

# A login by GET carries two hints of the LMS, of up to 16,000 characters each. gunicorn lowers
# whatever is set to a constant of its own, 8190: both have to be this.
MAX_REQUEST_LINE = 40 * 1024
GRACE_SECONDS = 15


class ServerLog(Logger):
    """gunicorn's own lines, through our log; requests are not logged at all.

    A request's address may hold an exit token, a state or a login hint. gunicorn writes paths at
    the level debug, so its lines begin at info, whatever the bridge's level is.
    """

    def setup(self, cfg: Any) -> None:
        """Hand lines to the root logger, which knows the format and what to leave out."""
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            log.handlers.clear()
        self.error_log.propagate = True
        self.error_log.setLevel(max(logging.INFO, self.loglevel))
        self.access_log.disabled = True

    def access(self, *_about: Any) -> None:
        """Log no request."""


class WebServer(BaseApplication):
    """gunicorn with threads; the app is made anew in each worker process."""

    def __init__(self, settings: Settings, host: str, port: int, workers: int, threads: int):
        self._settings = settings
        self._take_back: Callable[[], None] = lambda: None
        # The others answer what does not wait for SCORM Cloud, however slow that is.
        self._spare = count_spare(threads, settings.launch.spare_threads)
        self._waiting = threads - self._spare
        self._options = {
            "bind": [f"[{host}]:{port}" if ":" in host else f"{host}:{port}"],
            "workers": workers,
            "threads": threads,
            "worker_class": "gthread",
            "graceful_timeout": GRACE_SECONDS,
            "timeout": 60,
            "keepalive": 5,
            "limit_request_line": MAX_REQUEST_LINE,
            "loglevel": settings.log_level,
            "logger_class": ServerLog,
            "proc_name": "lti-bridge",
            "post_fork": _end_with_arbiter,
            "worker_exit": self._end,
            # Who may say X-Forwarded-… is launch.trusted_proxies alone, read by the app.
            "forwarded_allow_ips": "",
            "control_socket_disable": True,
        }
        super().__init__()

    def load_config(self) -> None:
        """Give gunicorn our options."""
        message.MAX_REQUEST_LINE = MAX_REQUEST_LINE
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Make the app, in a worker process, which says from now on that it is there."""
        app = create_app(self._settings, waiting_threads=self._waiting, spare_threads=self._spare)
        heartbeat = Heartbeat(app.extensions[EXTENSION], WEB)
        heartbeat.start(app)
        threads = NoteWriter(app), AlertRunner(app)
        for thread in threads:
            thread.start()

        def take_back() -> None:
            for thread in threads:
                thread.end()
            heartbeat.end(app)

        self._take_back = take_back
        settle()
        return app

    def _end(self, _arbiter: Any, _worker: Any) -> None:
        self._take_back()


def _end_with_arbiter(_arbiter: Any, worker: Any) -> None:
    end_with_parent(worker.ppid)
