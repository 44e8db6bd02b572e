"""`doctor`: test everything that is configured."""

import click

from ..core.plain_text import counted
from ..ops.selftest import Mark, run_selftest
from .opening import open_bridge

SIGNS = {Mark.OK: "ok  ", Mark.WARN: "warn", Mark.FAIL: "FAIL"}


@click.command()
def doctor() -> int:
    """Test the bridge, its SCORM Cloud accounts and its LMSs; 1 when something is wrong.

    Calls SCORM Cloud and every LMS, and changes nothing.
    """
    counts = dict.fromkeys(Mark, 0)
    with open_bridge() as services:
        for line in run_selftest(services):
            counts[line.mark] += 1
            click.echo(f"{SIGNS[line.mark]}  {line.subject}: {line.check}: {line.found}")
            if line.mark is not Mark.OK and line.who:
                click.echo(f"      {line.who} can fix it. {line.how}".rstrip())
    click.echo(f"\n{_summary(counts[Mark.FAIL], counts[Mark.WARN])}")
    return 1 if counts[Mark.FAIL] else 0


def _summary(failed: int, warned: int) -> str:
    said = [counted(failed, "check") + " failed"] if failed else []
    said += [counted(warned, "warning") + ": see above"] if warned else []
    return f"{', '.join(said)}." if said else "Nothing is wrong."
