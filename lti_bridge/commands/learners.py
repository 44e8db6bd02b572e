"""`learner …`, `retention`: stored personal data; show, export and erase it."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import click
from sqlalchemy import select

from ..audit.log import OPERATOR, record
from ..core.clock import say_time
from ..core.db import db, reading
from ..core.plain_text import counted
from ..privacy.erasure.report import LMS_KEEPS, ErasureReport, list_unfinished
from ..privacy.erasure.request import ask_again
from ..privacy.erasure.run import erase_learner, work_erasure
from ..privacy.export import export_learner
from ..privacy.learners import AT_MOST, FoundLearner, find_learners, preview
from ..privacy.retention import run_retention
from ..privacy.staff_users import (
    PREFIX,
    FoundStaff,
    erase_staff_user,
    export_staff_user,
    find_staff_users,
    get_staff_user,
)
from ..registrations.models import Learner
from ..services import Services
from .opening import open_bridge, table

CONSEQUENCES = (
    "Lost for good: the learner's results in SCORM Cloud, their way through every course, and why "
    "each grade was sent.",
    LMS_KEEPS,
    "If they open an activity again, they begin anew.",
)


@dataclass(frozen=True)
class Staff:
    """A user with staff visits only, by the number that `learner find` shows."""

    number: int


def _read_who(_context: click.Context, _parameter: click.Parameter, text: str) -> int | Staff:
    """Return a learner's number, or for `staff-` and a number a Staff."""
    digits = text.removeprefix(PREFIX)
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 19):
        raise click.BadParameter(f"{text} is nobody that `lti-bridge learner find` shows")
    return Staff(int(digits)) if digits != text else int(digits)


@click.group()
def learner() -> None:
    """Learners: what is kept of one, to see, hand out or erase."""


@learner.command()
@click.argument("text", default="")
@click.option("--course", default="", help="Who opened an activity of this title or course id.")
def find(text: str, course: str) -> None:
    """Find learners by TEXT: a part of the name or email, a user id, or a registration id."""
    if not (text or course):
        raise click.UsageError("say a name, an id or a --course")
    with open_bridge():
        rows = [
            (
                str(one.learner_id),
                one.name or "-",
                one.email or "-",
                one.sub,
                one.platform_name,
                str(one.registrations),
                say_time(one.launched_at),
            )
            for one in find_learners(text, course=course)
        ]
        rows += [
            (one.name, "-", "-", one.sub, one.platform_name, "0", say_time(one.seen_at))
            for one in ([] if course else find_staff_users(text))
        ]
        if not rows:
            click.echo("Nobody was found.")
            return
        heads = ("learner", "name", "email", "user id", "LMS", "registrations", "last launch")
        table(rows, heads)
        if len(rows) == AT_MOST:
            click.echo(f"There may be more than these {AT_MOST}.")


@learner.command()
@click.argument("learner_id", callback=_read_who)
def show(learner_id: int | Staff) -> None:
    """Say what is kept of LEARNER_ID (as `learner find` shows it)."""
    with open_bridge():
        if isinstance(learner_id, Staff):
            _show_staff(learner_id)
        else:
            _show(learner_id)


@learner.command()
@click.argument("learner_id", callback=_read_who)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write it to this file, which only you can read; without it, to the screen.",
)
def export(learner_id: int | Staff, output: Path | None) -> None:
    """Write everything that is kept of LEARNER_ID as JSON: ours, and what SCORM Cloud reports."""
    with open_bridge() as services:
        if isinstance(learner_id, Staff):
            document = export_staff_user(services, learner_id.number)
        else:
            document = export_learner(services, learner_id)
        _record_export(services, learner_id)
        text = json.dumps(document, indent=2, ensure_ascii=False)
    if output is None:
        click.echo(text)
        return
    with os.fdopen(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text + "\n")
    click.echo(f"Written to {output}.")


def _record_export(services: Services, who: int | Staff) -> None:
    """Record an export in the audit log."""
    subject, platform_id = "staff visits", None
    if isinstance(who, int):
        subject = f"learner {who}"
        platform_id = db.session.scalar(select(Learner.platform_id).where(Learner.id == who))
    said, now = "took everything that is kept of the person", services.now()
    record(OPERATOR, "export", subject, said, now=now, platform_id=platform_id)
    db.session.commit()


@learner.command()
@click.argument("learner_id", callback=_read_who)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--ours-anyway",
    is_flag=True,
    help="Erase what the bridge keeps even if SCORM Cloud does not let us delete there.",
)
def erase(learner_id: int | Staff, yes: bool, ours_anyway: bool) -> int:
    """Erase LEARNER_ID here and in SCORM Cloud; asks twice."""
    with open_bridge() as services:
        if isinstance(learner_id, Staff):
            return _erase_staff(services, learner_id, yes)
        whom = _show(learner_id)
        if not yes:
            _ask_twice(whom)
        report = erase_learner(services, learner_id, ours_anyway=ours_anyway)
        return _tell(report)


@learner.command()
@click.option("--retry", "erasure_id", type=int, help="Go on with this one now.")
def erasures(erasure_id: int | None) -> int:
    """List the erasures that are not finished, with the reason."""
    with open_bridge() as services:
        if erasure_id is not None:
            ask_again(services, erasure_id)
            return _tell(work_erasure(services, erasure_id))
        found = list_unfinished()
        for report in found:
            _tell(report)
        if not found:
            click.echo("Every erasure is finished.")
        return 0


@click.command()
@click.option("--dry-run", is_flag=True, help="Only count; change nothing.")
def retention(dry_run: bool) -> None:
    """Let go of what is older than [privacy] says; workers do it once a day."""
    with open_bridge() as services:
        if not dry_run:
            said, now = "asked to let go of what is older than the settings say", services.now()
            record(OPERATOR, "retention", "what is kept", said, now=now)
            db.session.commit()
        lines = run_retention(services, dry_run=dry_run)
    rows = [(line.kind, str(line.count), say_time(line.cutoff)) for line in lines]
    table(rows, ("kind", "would go" if dry_run else "gone", "older than"))


def _show_staff(who: Staff) -> FoundStaff:
    with reading():
        one = get_staff_user(who.number)
    click.echo(f"User {one.sub} of {one.platform_name}, who was here as staff, not as a learner")
    click.echo(f"  {counted(one.visits, 'staff visit')}, forgotten after a day")
    return one


def _erase_staff(services: Services, who: Staff, yes: bool) -> int:
    """Erase a staff user, who has no data in SCORM Cloud or a gradebook."""
    _show_staff(who)
    if not yes:
        click.confirm("Erase this?", abort=True)
    for kind, count in erase_staff_user(services, who.number).items():
        if count:
            click.echo(f"  {kind} erased: {count}")
    return 0


def _show(learner_id: int) -> FoundLearner:
    with reading():
        holdings = preview(learner_id)
    one = holdings.learner
    who = one.name or "name not kept"
    click.echo(f"Learner {one.learner_id}: {who} (user {one.sub} of {one.platform_name})")
    if one.email:
        click.echo(f"  {one.email}")
    for kind, count in holdings.counts.items():
        if count and kind != "learner":
            click.echo(f"  {kind}: {count}")
    return one


def _ask_twice(whom: FoundLearner) -> None:
    for line in CONSEQUENCES:
        click.echo(line)
    click.confirm("Erase this learner?", abort=True)
    typed = click.prompt("Type the user id to go on")
    if typed.strip() != whom.sub:
        raise click.UsageError("that is not the user id; nothing was erased")


def _tell(report: ErasureReport) -> int:
    click.echo(f"Erasure {report.erasure_id} is {report.state}. {report.state.meaning}")
    if report.reason:
        click.echo(f"  {report.reason}")
    for kind, count in report.removed.items():
        if count:
            click.echo(f"  {kind} erased: {count}")
    for account, names in report.remains.items():
        click.echo(f"  left in the SCORM Cloud account {account}:")
        for name in names:
            click.echo(f"    {name}")
    return 0 if report.is_done else 1
