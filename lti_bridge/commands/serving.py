"""`serve`, `worker` and `migrate`: run the bridge."""

import os
import signal
import socket
from types import FrameType

import click

from ..app import create_app
from ..audit.log import OPERATOR, record
from ..console.people.accounts import FIRST, make_invite, needs_first_account, welcome_address
from ..core.config import Settings
from ..core.db import is_sqlite
from ..core.errors import ConfigurationError
from ..core.migrate import migrate_database, require_newest_schema
from ..core.plain_text import counted
from ..core.processes import Family, end_with_parent, settle
from ..ops.logs import start_logging
from ..ops.processes import WORKER, Heartbeat
from ..passback import tasks
from ..passback.actions.after_restore import distrust_results
from ..privacy import tasks as privacy_tasks
from ..problems import tasks as problem_tasks
from ..queue.worker import Worker
from ..server import WebServer
from ..services import EXTENSION, Services
from .opening import (
    close_bridge,
    config_arguments,
    prepare,
    read_settings,
    warn_of_retired_settings,
)

# A stopped worker finishes its jobs; deadlines of outbound calls are shorter than this.
GRACE_SECONDS = 25.0
# Measured: at peak, nearly all threads wait for SCORM Cloud, 100 to 300 ms per call. With a delay
# of 200 ms, 40 clients are served as fast as without; more threads bring nothing.
THREADS = 48
ends_with_option = click.option("--ends-with", type=int, hidden=True)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Port there."
)
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="Processes.")
@click.option(
    "--threads", type=click.IntRange(1), default=THREADS, show_default=True, help="In each."
)
@click.option("--worker/--no-worker", default=True, help="One queue worker beside it, or none.")
def serve(host: str, port: int, workers: int, threads: int, worker: bool) -> int:
    """Serve in production: gunicorn, and one queue worker beside it.

    With SQLite the database is brought up to date at the start; with PostgreSQL run
    `lti-bridge migrate` once for all nodes.
    """
    settings = read_settings()
    _require_free(host, port)
    if link := make_ready(settings):
        click.echo(f"Nobody can sign in to the console yet. Make the first account here:\n  {link}")
    family = Family()
    family.end_on_signals()
    common = config_arguments()
    places = ["--host", host, "--port", str(port)]
    sizes = ["--workers", str(workers), "--threads", str(threads)]
    family.start(*common, "web", *places, *sizes)
    if worker:
        family.start(*common, "worker", restart=True)
    try:
        return family.watch()
    finally:
        family.stop(GRACE_SECONDS)


def _require_free(host: str, port: int) -> None:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.create_server((host, port), family=family):
            pass
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error
        raise ConfigurationError(f"cannot listen on {host}, port {port}: {reason}") from error


def make_ready(settings: Settings) -> str | None:
    """Migrate SQLite, refuse an outdated PostgreSQL schema, create the first key.

    Returns a one-time link for the console's first account, None when there is an account.
    """
    app = create_app(settings)
    if is_sqlite(settings.database_url):
        migrate_database(app)
    require_newest_schema(app)
    prepare(app)
    with app.app_context():
        services: Services = app.extensions[EXTENSION]
        token = make_invite(FIRST, now=services.now()) if needs_first_account() else None
        close_bridge(services)
        return welcome_address(services, token) if token is not None else None


@click.command(hidden=True)
@click.option("--host", required=True)
@click.option("--port", type=int, required=True)
@click.option("--workers", type=int, required=True)
@click.option("--threads", type=int, required=True)
@ends_with_option
def web(host: str, port: int, workers: int, threads: int, ends_with: int | None) -> None:
    """Run the web server alone; `serve` starts it."""
    if ends_with is not None:
        end_with_parent(ends_with)
    settings = read_settings()
    start_logging(settings)
    warn_of_retired_settings()
    WebServer(settings, host, port, workers, threads).run()


@click.command()
@click.option("--threads", type=click.IntRange(1), help="Instead of passback.worker_threads.")
@ends_with_option
def worker(threads: int | None, ends_with: int | None) -> None:
    """Work off the queue, look for what is due, and sweep SCORM Cloud, until SIGTERM."""
    if ends_with is not None:
        end_with_parent(ends_with)
    settings = read_settings()
    start_logging(settings)
    warn_of_retired_settings()
    app = create_app(settings)
    require_newest_schema(app)
    prepare(app)
    services: Services = app.extensions[EXTENSION]
    working = Worker(
        services.queue,
        threads or settings.passback.worker_threads,
        [
            *tasks.timers(app, services),
            *privacy_tasks.timers(app, services),
            *problem_tasks.timers(app),
        ],
    )
    heartbeat = Heartbeat(services, WORKER)

    def end(_number: int, _frame: FrameType | None) -> None:
        working.stop()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    heartbeat.start(app)
    settle()
    working.run()
    heartbeat.end(app)
    with app.app_context():
        close_bridge(services)


@click.command()
@click.option(
    "--restored",
    is_flag=True,
    help="The database is an older copy: read what gradebooks hold before anything is sent.",
)
def migrate(restored: bool) -> None:
    """Bring the database to the newest schema; safe to repeat, and on several nodes at once."""
    app = create_app(read_settings())
    before, after = migrate_database(app)
    prepare(app)
    if before == after:
        click.echo(f"The database is up to date ({after}).")
    else:
        click.echo(f"The database went from {before or 'empty'} to {after}.")
    services: Services = app.extensions[EXTENSION]
    with app.app_context():
        if restored:
            said, now = "said that the database is an older copy", services.now()
            record(OPERATOR, "migrate", "database", said, now=now)
            count = distrust_results()
            click.echo(
                f"Gradebooks are read before a score is sent again ({counted(count, 'grade')})."
            )
        close_bridge(services)
