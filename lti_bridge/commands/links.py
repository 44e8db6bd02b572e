"""`link …`: an activity's course and how its grade is made."""

from collections.abc import Mapping, Sequence

import click
from sqlalchemy import or_, select

from ..audit.log import OPERATOR, record
from ..core.clock import say_time
from ..core.db import db
from ..core.errors import ConfigurationError
from ..core.plain_text import counted
from ..passback.actions.policy_change import Change, change_policy, preview_policy
from ..platforms.connection_values import LINE_ITEMS, PLAYERS
from ..registrations.grading import (
    GradingAnswer,
    TeacherGrade,
    UnfinishedScore,
    UnscoredCompletion,
    make_policy,
)
from ..registrations.identity import choose_course
from ..registrations.models import ResourceLink
from ..registrations.resource_links import creates_line_item, opens_in_window, wake_waiting
from ..services import Services
from .opening import open_bridge, policy_option, table

NOT_COPIED = (
    "The course is set for this link only: a copy of the LMS course does not take it along. The "
    "custom parameter scorm_course_id does."
)


@click.group()
def link() -> None:
    """Resource links: the activities in the LMS that open our courses."""


@link.command()
@click.argument("name", required=False)
def show(name: str | None) -> None:
    """Show the link NAME (its number or LMS id), or list all links."""
    with open_bridge() as services:
        if name is None:
            _list()
        else:
            _show(services, find_link(name))


def _list() -> None:
    links = db.session.scalars(select(ResourceLink).order_by(ResourceLink.id)).all()
    if not links:
        click.echo("No link yet: a link is known from its first launch.")
        return
    rows = [
        (str(row.id), row.title or "-", row.context_title or "-", _course(row) or "none yet")
        for row in links
    ]
    table(rows, ("number", "title", "course in the LMS", "SCORM Cloud course"))


def find_link(name: str) -> ResourceLink:
    """Return the link with this number or LMS id; raises ConfigurationError."""
    same = [ResourceLink.resource_link_id == name]
    if name.isdecimal():
        same.append(ResourceLink.id == int(name))
    found = db.session.scalars(select(ResourceLink).where(or_(*same))).all()
    by_number = [row for row in found if str(row.id) == name]
    if len(found) == 1 or by_number:
        return (by_number or list(found))[0]
    if found:
        raise ConfigurationError(f"{name} is the id of {len(found)} links: use the number")
    raise ConfigurationError(f"there is no link {name}: see `lti-bridge link show`")


def _course(row: ResourceLink) -> str | None:
    return choose_course(row.override_course, row.custom_course, row.remembered_course)


def _show(services: Services, row: ResourceLink) -> None:
    platform = row.deployment.platform
    first = services.settings.passback.policy
    policy = make_policy(first, platform.grading_policy, row.grading_policy)
    facts = [
        ("number", str(row.id)),
        ("title", row.title or "-"),
        ("LMS id", row.resource_link_id),
        ("platform", platform.name),
        ("course in the LMS", row.context_title or row.context_id or "-"),
        ("SCORM course", _course(row) or "none yet"),
        ("  set here", row.override_course or "-"),
        ("  custom parameter", row.custom_course or "-"),
        ("  remembered", row.remembered_course or "-"),
        ("attempts", str(row.attempts_allowed) if row.attempts_allowed else "no limit"),
        ("player", PLAYERS[opens_in_window(row, row.deployment.platform)]),
        ("line item", LINE_ITEMS[creates_line_item(row, row.deployment.platform)]),
        ("answer", policy.answer),
        ("completion", policy.completion),
        ("partial", policy.partial),
        ("teacher's grade", policy.teacher_grade),
        ("gradebook column", "known" if row.line_item_url else "not known"),
        ("newest launch", say_time(row.launched_at)),
    ]
    for label, value in facts:
        click.echo(f"{label:<18} {value}")


@link.command("set")
@click.argument("name")
@click.option("--course", help="Course id that wins over the custom parameter.")
@click.option("--no-course", is_flag=True, help="Take that back: the custom parameter counts.")
@click.option("--attempts", type=click.IntRange(0), help="How many attempts; 0: no limit.")
@click.option("--player", type=click.Choice([*PLAYERS, "platform"]), help="Where the player opens.")
@click.option(
    "--line-item",
    type=click.Choice([*LINE_ITEMS, "platform"]),
    help="When it has no gradebook column: wait for one, or create one.",
)
@policy_option("--answer", GradingAnswer, "Which attempt is the grade.")
@policy_option("--completion", UnscoredCompletion, "Completed without a score.")
@policy_option("--partial", UnfinishedScore, "Scores of unfinished attempts.")
@policy_option(
    "--teacher-grade", TeacherGrade, "What a score does to a grade that a person set in the LMS."
)
@click.option("--dry-run", is_flag=True, help="Only show which grades a policy would change.")
def set_(
    name: str,
    course: str | None,
    no_course: bool,
    attempts: int | None,
    player: str | None,
    line_item: str | None,
    dry_run: bool,
    **policy: str | None,
) -> None:
    """Set how the link NAME (its number or LMS id) is played and graded.

    A changed policy is applied to the grades that were decided before: the list shows which.
    `--player platform` and `--line-item platform` take a link's own choice back.
    """
    chosen = {key: value for key, value in policy.items() if value}
    if not (course or no_course or chosen or player or line_item or attempts is not None):
        raise click.UsageError("say what to set: see --help")
    if course and no_course:
        raise click.UsageError("--course and --no-course exclude each other")
    with open_bridge() as services:
        row = find_link(name)
        if chosen:
            _show_changes(preview_policy(services, row, chosen), dry_run)
        if dry_run:
            return
        _set_play(services, row, attempts, player, line_item)
        if course or no_course:
            row.override_course = course
        told = {"course": course, "attempts": attempts, "player": player, "line item": line_item}
        told |= {"course": "none"} if no_course else {}
        _record(services, row, "link", told)
        db.session.commit()
        if chosen:
            _record(services, row, "policy", chosen)
            change_policy(services, row, chosen)
        _show(services, row)
        if course:
            click.echo(f"\n{NOT_COPIED}")


def _set_play(
    services: Services,
    row: ResourceLink,
    attempts: int | None,
    player: str | None,
    line_item: str | None,
) -> None:
    """Apply the options about how a link is played, in the caller's transaction."""
    if line_item:
        wake_waiting(row.id, services.now())  # locks the grades before the link's row
        row.creates_line_item = None if line_item == "platform" else line_item == "create"
    if attempts is not None:
        row.attempts_allowed = attempts
    if player:
        row.player_window = None if player == "platform" else player == "window"


def _record(services: Services, row: ResourceLink, action: str, told: Mapping[str, object]) -> None:
    """Record changes in the audit log, if there are any, in their transaction."""
    words = ", ".join(f"{name} {value}" for name, value in told.items() if value is not None)
    if words:
        subject, platform_id = f"link {row.id}", row.deployment.platform_id
        said, now = f"set {words}", services.now()
        record(OPERATOR, action, subject, said, now=now, platform_id=platform_id)


def _show_changes(changes: Sequence[Change], dry_run: bool) -> None:
    if not changes:
        click.echo("The policy changes no grade that was decided so far.\n")
        return
    verb = "would be sent" if dry_run else "is sent" if len(changes) == 1 else "are sent"
    click.echo(f"{counted(len(changes), 'grade')} {verb} anew:")
    for change in changes:
        before = "none" if change.before is None else f"{change.before:g}"
        who = change.name or f"user {change.sub}"
        click.echo(f"  {who}: {before} becomes {change.after:g}. {change.reason}")
    click.echo()
