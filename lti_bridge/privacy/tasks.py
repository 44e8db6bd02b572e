"""Timers of the workers for erasures and retention."""

from collections.abc import Callable

from flask import Flask

from ..queue.worker import Timer
from ..services import Services
from .erasure.run import resume_erasures
from .retention import run_when_due

ERASURES_SECONDS = 30.0
RETENTION_LOOK_SECONDS = 600.0


def timers(app: Flask, services: Services) -> list[Timer]:
    """Return the timers of a worker process."""

    def in_context(run: Callable[[Services], object]) -> Callable[[], None]:
        def in_app() -> None:
            with app.app_context():
                run(services)

        return in_app

    return [
        Timer("erasures", ERASURES_SECONDS, in_context(resume_erasures)),
        Timer("retention", RETENTION_LOOK_SECONDS, in_context(run_when_due)),
    ]
