"""The queue task that works grades, and the timers of every worker process."""

from collections.abc import Callable

from flask import Flask

from ..core.db import db
from ..lti.launch_state import forget_old_nonces
from ..platforms.keys import advance_keys
from ..queue.worker import Timer
from ..registrations.grade_updates import WORK_TASK
from ..registrations.learner_names import send_changed_names
from ..services import Services
from .pipeline.job import wake_called, work_grade
from .pipeline.throttle import PlatformGate
from .triggers.overdue import run_overdue_rounds
from .triggers.reconcile import reconcile_due
from .triggers.sweep import recheck_unresolved, sweep_accounts

RECHECK_SECONDS = 60.0
PRUNE_SECONDS = 600.0
RECONCILE_SECONDS = 300.0
NAMES_SECONDS = 30.0
PLACES_SECONDS = 1.0
SWEEP_LOOK_SECONDS = 5.0


def register(app: Flask, services: Services) -> None:
    """Register the task with the queue; each job gets an app context of its own."""
    gate = PlatformGate(services.settings.passback, services.now)
    app.extensions["platform_gate"] = gate

    def work(grade_id: int) -> None:
        with app.app_context():
            work_grade(services, gate, grade_id)

    services.queue.register(WORK_TASK, work)


def timers(app: Flask, services: Services) -> list[Timer]:
    """Return the timers of a worker process, which also run when the queue is away."""
    gate: PlatformGate = app.extensions["platform_gate"]

    def work(grade_id: int) -> object:
        return work_grade(services, gate, grade_id)

    def in_context(run: Callable[[], object]) -> Callable[[], None]:
        def in_app() -> None:
            with app.app_context():
                run()

        return in_app

    settings = services.settings
    sweep_look = min(SWEEP_LOOK_SECONDS, settings.scorm_cloud.sweep_seconds)
    return [
        Timer(
            "overdue",
            settings.passback.overdue_round_seconds,
            in_context(lambda: run_overdue_rounds(services, work)),
        ),
        Timer("places", PLACES_SECONDS, lambda: wake_called(services, gate.call_waiting())),
        Timer("sweep", sweep_look, in_context(lambda: sweep_accounts(services))),
        Timer("recheck", RECHECK_SECONDS, in_context(lambda: recheck_unresolved(services))),
        Timer("reconcile", RECONCILE_SECONDS, in_context(lambda: reconcile_due(services))),
        Timer("names", NAMES_SECONDS, in_context(lambda: send_changed_names(services))),
        Timer("prune", PRUNE_SECONDS, in_context(lambda: prune_nonces(services))),
        Timer("keys", PRUNE_SECONDS, in_context(lambda: advance_keys(now=services.now()))),
    ]


def prune_nonces(services: Services) -> None:
    """Delete expired nonces, a few at a time. Commits."""
    while forget_old_nonces(services.now()):
        db.session.commit()
    db.session.rollback()
