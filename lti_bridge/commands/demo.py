"""`demo`: bridge, worker and practice servers on one machine."""

import tempfile
from contextlib import ExitStack
from pathlib import Path

import click

from lti_sandbox.practice_lms import DIALECTS


@click.command()
@click.option(
    "--port",
    type=click.IntRange(1024, 65533),
    help="Port of the practice LMS; the two after it are used too. Free ones by default.",
)
@click.option(
    "--dialect",
    type=click.Choice(DIALECTS),
    default=DIALECTS[0],
    show_default=True,
    help="The LMS that the practice LMS behaves like.",
)
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keeps databases and logs; by default all is forgotten at the end.",
)
def demo(port: int | None, dialect: str, data_dir: Path | None) -> int:
    """Run bridge, worker, practice LMS and practice SCORM Cloud, until Ctrl-C."""
    # Imported here: run_demo imports other commands of this package.
    from .run_demo import Demo, Stopped, choose_places

    with ExitStack() as kept:
        if data_dir is None:
            data_dir = Path(kept.enter_context(tempfile.TemporaryDirectory(prefix="lti-bridge-")))
        running = kept.enter_context(Demo(data_dir, dialect, choose_places(port), click.echo))
        try:
            address = running.start()
        except Stopped:
            return 0
        click.echo(_what_to_click(address, dialect, running.console_link))
        status = running.watch()
        click.echo("\nStopping …" if status == 0 else "\nA server ended; stopping the others …")
        return status


def _what_to_click(address: str, dialect: str, console_link: str | None) -> str:
    return "\n".join(
        [
            "",
            f"  Open   {address}",
            "",
            f"This is a practice course page; it behaves like {dialect.capitalize()}.",
            "  1. Choose a learner to act as.",
            "  2. Open an activity and take the course and its quiz.",
            "  3. Exit the course: the page follows your score on its way home.",
            "  4. Look at the gradebook: the score arrives there by itself.",
            "",
            *(
                ["The console of the bridge's owner:", f"  {console_link}", ""]
                if console_link
                else []
            ),
            "Ctrl-C ends everything.",
        ]
    )
