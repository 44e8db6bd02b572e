"""`doctor`: test everything that is configured."""

import click

from ..ops.selftest import Mark, run_selftest
from .opening import open_bridge

SIGNS = {Mark.OK: "ok  ", Mark.WARN: "warn", Mark.FAIL: "FAIL"}


@click.command()
def doctor() -> int:
    """Test the bridge, its SCORM Cloud accounts and its LMSs; 1 when something is wrong.

    Calls SCORM Cloud and every LMS, and changes nothing.
    """
    failed = 0
    with open_bridge() as services:
        for line in run_selftest(services):
            failed += line.mark is Mark.FAIL
            click.echo(f"{SIGNS[line.mark]}  {line.subject}: {line.check}: {line.found}")
            if line.mark is not Mark.OK and line.who:
                click.echo(f"      {line.who} can fix it. {line.how}".rstrip())
    click.echo(f"\n{failed} checks failed." if failed else "\nNothing is wrong.")
    return 1 if failed else 0
