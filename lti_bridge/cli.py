"""The command line `lti-bridge`: its groups, and one-line messages for all failures."""

import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import click
from sqlalchemy.exc import OperationalError, ProgrammingError, SQLAlchemyError

from . import __version__
from .commands import (
    accounts,
    console,
    courses,
    demo,
    doctor,
    keys,
    learners,
    links,
    platforms,
    registrations,
    sandbox,
    scores,
    serving,
)
from .commands.opening import CONFIG_FILE
from .core.errors import BridgeError

DONE, FAILED, WRONG_USAGE = 0, 1, 2
DEBUG = "lti_bridge.debug"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="lti-bridge")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="Settings file, instead of the one that LTI_BRIDGE_CONFIG names.",
)
@click.option("--debug", is_flag=True, help="Show where a failure comes from.")
@click.pass_context
def cli(context: click.Context, config: Path | None, debug: bool) -> None:
    """Carry learners from an LMS to SCORM Cloud courses, and their grades home."""
    context.meta[CONFIG_FILE] = config
    context.meta[DEBUG] = debug


for command in (
    demo.demo,
    console.console,
    doctor.doctor,
    serving.serve,
    serving.worker,
    serving.web,
    serving.migrate,
    platforms.platform,
    accounts.account,
    courses.course,
    links.link,
    registrations.registration,
    scores.score,
    learners.learner,
    learners.retention,
    keys.keys,
    sandbox.sandbox,
):
    cli.add_command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit: 0 done, 1 failed, 2 wrong usage."""
    debug = "--debug" in (sys.argv[1:] if arguments is None else arguments)
    try:
        outcome = cli.main(arguments, prog_name="lti-bridge", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(FAILED)
    except BrokenPipeError:  # a closed pipe: `… list | head`
        sys.stderr.close()
        sys.exit(FAILED)
    except Exception as error:
        if debug:
            traceback.print_exc()
        click.echo(f"lti-bridge: {_sentence(error)}", err=True)
        sys.exit(FAILED)
    sys.exit(outcome if isinstance(outcome, int) else DONE)


def _sentence(error: Exception) -> str:
    if isinstance(error, BridgeError):
        return str(error)
    if isinstance(error, OperationalError | ProgrammingError):
        if "no such table" in str(error.orig) or "does not exist" in str(error.orig):
            return "the database has no tables yet: run `lti-bridge migrate`"
    if isinstance(error, SQLAlchemyError):
        # Only the first line: the driver's text may contain the host and the user.
        first_line = (str(getattr(error, "orig", error)).splitlines() or [""])[0]
        return f"the database did not do as asked: {first_line}"
    if isinstance(error, OSError):
        name = f" {error.filename}" if error.filename else ""
        return f"{error.strerror or error}{name}"
    return f"something went wrong inside the bridge ({type(error).__name__}); add --debug to see it"
