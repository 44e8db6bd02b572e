"""`sandbox …`: the practice LMS and the practice SCORM Cloud."""

from collections.abc import Callable
from pathlib import Path

import click
from flask import Flask

from lti_sandbox.practice_lms import DIALECTS, Dialect, create_practice_lms
from lti_sandbox.practice_scorm_cloud import create_practice_scorm_cloud
from lti_sandbox.server import run_forever

from ..core.errors import Unavailable
from ..core.processes import end_with_parent

PORT = click.IntRange(0, 65535)


@click.group()
def sandbox() -> None:
    """Practice servers on this machine: honest stand-ins, no account needed."""


@sandbox.command("scorm-cloud")
@click.option("--port", type=PORT, default=8020, show_default=True, help="0 picks a free one.")
@click.option("--app-id", default="practice", show_default=True, help="Application id.")
@click.option("--secret-key", default="practice", show_default=True, help="Secret key.")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keeps courses and registrations over a restart; without it all is in memory.",
)
@click.option("--no-deletes", is_flag=True, help="Refuse to delete, as real applications often do.")
@click.option("--ends-with", type=int, hidden=True)
def scorm_cloud(
    port: int,
    app_id: str,
    secret_key: str,
    data_dir: Path | None,
    no_deletes: bool,
    ends_with: int | None,
) -> None:
    """Run the practice SCORM Cloud until Ctrl-C."""
    app = create_practice_scorm_cloud(
        app_id=app_id, secret_key=secret_key, data_dir=data_dir, allow_delete=not no_deletes
    )

    def banner(url: str) -> str:
        return (
            f"Practice SCORM Cloud: {url}\n"
            f"  scorm_cloud.base_url   {url}/api/v2\n"
            f"  scorm_cloud.app_id     {app_id}\n"
            "Ctrl-C ends it."
        )

    _run(app, port, banner, ends_with)


@sandbox.command()
@click.option("--port", type=PORT, default=8010, show_default=True, help="0 picks a free one.")
@click.option(
    "--dialect",
    type=click.Choice(DIALECTS),
    default=DIALECTS[0],
    show_default=True,
    help="The LMS that it behaves like.",
)
@click.option("--ends-with", type=int, hidden=True)
def lms(port: int, dialect: Dialect, ends_with: int | None) -> None:
    """Run the practice LMS until Ctrl-C."""
    app = create_practice_lms(dialect=dialect)

    def banner(url: str) -> str:
        return (
            f"Practice LMS ({dialect}): {url}\n"
            f"  its addresses for `platform add`   {url}/control/platform\n"
            f"  connect a tool by hand             PUT {url}/control/tools\n"
            "Ctrl-C ends it."
        )

    _run(app, port, banner, ends_with)


def _run(app: Flask, port: int, banner: Callable[[str], str], ends_with: int | None) -> None:
    if ends_with is not None:
        end_with_parent(ends_with)
    try:
        run_forever(app, port, banner=banner)
    except OSError as error:
        raise Unavailable(f"port {port} is taken: choose another with --port") from error
