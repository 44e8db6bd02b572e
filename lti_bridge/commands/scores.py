"""`score …`: resend, retry, park, and compare grades with the LMS."""

from collections.abc import Callable
from dataclasses import dataclass

import click
from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import aliased, joinedload

from ..audit.log import OPERATOR, record
from ..core.db import db, reading
from ..core.errors import BridgeError, ConfigurationError, Refused
from ..core.plain_text import counted
from ..passback.actions import by_hand
from ..passback.actions.comparison import leave_lost
from ..passback.actions.outlook import situation_of, state_of
from ..passback.learner_progress import Situation
from ..passback.learner_state import PERSON_SENDS
from ..passback.models import Score
from ..passback.rules.drift import DIFFERS, Drift
from ..passback.rules.score_states import ScoreState
from ..passback.triggers.reconcile import Finding, Repair, reconcile_link
from ..registrations.models import OF_SAME_GRADE, Grade, Registration, ResourceLink
from ..services import Services
from .links import find_link
from .opening import open_bridge, table

WHO = "An operator"
STATES = tuple(map(str, (ScoreState.PARKED, ScoreState.SUPERSEDED, ScoreState.QUEUED)))
# Columns of the list.
WITH_ROWS = (
    joinedload(Score.grade).joinedload(Grade.resource_link),
    joinedload(Score.registration),
)


# Audit log texts of actions on one grade.
SAID = {
    "resend": "asked to send the grade again",
    "reread": "asked to read the result again",
    "retry": "asked to try it now",
    "park": "parked it",
}


@dataclass(frozen=True)
class _Chosen:
    grade_id: int
    name: str


@click.group()
def score() -> None:
    """Scores: what is on its way to gradebooks, and what is stuck."""


@score.command("list")
@click.option(
    "--state", type=click.Choice(STATES), default=STATES[0], show_default=True, help="Which scores."
)
def list_(state: str) -> None:
    """List the newest scores in a state, with the reason."""
    with open_bridge() as services:
        now, situations = services.now(), dict[int, Situation]()
        rows = []
        for found, registration in db.session.execute(_newest(state).options(*WITH_ROWS)).all():
            link = found.grade.resource_link
            if link.id not in situations:
                situations[link.id] = situation_of(link, now)
            why = state_of(found, situations[link.id]).detail
            rows.append((registration or "-", f"{found.score_given:g}", why))
        if not rows:
            click.echo(f"No score is {state}.")
            return
        table(rows, ("registration", "score", "why"))


@score.command()
@click.argument("registration_ids", nargs=-1)
@click.option("--link", "link_name", help="Every stuck score of this link (number or LMS id).")
@click.option(
    "--state",
    type=click.Choice(STATES[:2]),
    default=STATES[0],
    show_default=True,
    help="Which scores of the link.",
)
def resend(registration_ids: tuple[str, ...], link_name: str | None, state: str) -> None:
    """Decide again from progress and policy and send that: for REGISTRATION_IDS, or a whole link.

    A superseded score gave way to a teacher's grade: sending it again may replace that grade.
    """
    if bool(registration_ids) == bool(link_name):
        raise click.UsageError("name registration ids, or a link with --link")
    with open_bridge() as services:
        if link_name:
            chosen = _of_link(link_name, state)
            if chosen:
                _record_link(services, link_name, state, len(chosen))
        else:
            chosen = _of_names(registration_ids)
        for one in chosen:
            if not link_name:
                _record(services, one, "resend")
            click.echo(f"{one.name}: {by_hand.resend(services, one.grade_id, WHO)}")
        if not chosen:
            click.echo(f"Nothing is {state} there.")


@score.command()
@click.argument("registration_ids", nargs=-1, required=True)
def reread(registration_ids: tuple[str, ...]) -> None:
    """Ask SCORM Cloud again for the progress of REGISTRATION_IDS, and decide again."""
    _each(registration_ids, by_hand.read_again, "reread", "It is read again.")


@score.command()
@click.argument("registration_ids", nargs=-1, required=True)
def retry(registration_ids: tuple[str, ...]) -> None:
    """Try what is queued for REGISTRATION_IDS now, without waiting for its back-off."""
    _each(registration_ids, by_hand.retry_now, "retry")


@score.command()
@click.argument("registration_ids", nargs=-1, required=True)
def park(registration_ids: tuple[str, ...]) -> None:
    """Keep what is queued for REGISTRATION_IDS from being sent, until it is resent."""
    _each(registration_ids, by_hand.park, "park", f"It is parked. {PERSON_SENDS}")


@score.command()
@click.option("--link", "link_name", help="This link alone (number or LMS id); default: all.")
@click.option("--dry-run", is_flag=True, help="Only look; send nothing.")
@click.option(
    "--all-lost",
    is_flag=True,
    help="Send lost grades again also where so many are gone that the course was probably reset.",
)
@click.option(
    "--leave",
    is_flag=True,
    help="Send nothing; what this link's gradebook has lost is left, and not asked about again.",
)
def reconcile(link_name: str | None, dry_run: bool, all_lost: bool, leave: bool) -> int:
    """Compare gradebooks with what was delivered, and send again what the LMS has lost."""
    if dry_run + all_lost + leave > 1:
        raise click.UsageError("--dry-run, --all-lost and --leave exclude each other")
    if leave and not link_name:
        raise click.UsageError("--leave is for one link: name it with --link")
    with open_bridge() as services:
        with reading():
            links = [find_link(link_name).id] if link_name else _links_with_column()
        repair = Repair.NONE if dry_run or leave else Repair.ALL if all_lost else Repair.FEW
        failed = [_reconcile(services, link_id, repair) for link_id in links]
        if not links:
            click.echo("No link has a gradebook column yet.")
        if leave and not any(failed):
            _leave(services, links[0])
        return 1 if any(failed) else 0


def _links_with_column() -> list[int]:
    has_column = or_(
        ResourceLink.line_item_url.is_not(None), ResourceLink.line_items_url.is_not(None)
    )
    query = select(ResourceLink.id).where(has_column)
    return list(db.session.scalars(query.order_by(ResourceLink.id)))


def _leave(services: Services, link_id: int) -> None:
    """Mark a link's lost grades as left, and print their number."""
    platform_id = db.session.get_one(ResourceLink, link_id).deployment.platform_id
    said, now = "left the grades as they are that the gradebook had lost", services.now()
    record(OPERATOR, "leave", f"link {link_id}", said, now=now, platform_id=platform_id)
    count = leave_lost(services, link_id, WHO)
    if not count:
        db.session.rollback()
    click.echo(f"  {counted(count, 'grade')} left as {'it is' if count == 1 else 'they are'}.")


def _reconcile(services: Services, link_id: int, repair: Repair) -> bool:
    """Compare one link and print the result; True when it could not be compared."""
    with reading():
        title = db.session.get_one(ResourceLink, link_id).title or f"link {link_id}"
    try:
        findings = reconcile_link(services, link_id, repair=repair, by=OPERATOR)
    except BridgeError as error:
        db.session.rollback()
        click.echo(f"{title} (link {link_id}): not compared: {error}")
        return True
    counts = [
        f"{sum(1 for f in findings if f.drift is drift)} {drift.value}"
        for drift in Drift
        if any(f.drift is drift for f in findings)
    ]
    click.echo(f"{title} (link {link_id}): {', '.join(counts) or 'nobody has a grade'}")
    for finding in findings:
        if finding.drift in DIFFERS:
            click.echo(f"  {_line(finding)}")
    lost = [finding for finding in findings if finding.drift is Drift.LOST]
    if repair is Repair.FEW and lost and not any(finding.sent_again for finding in lost):
        click.echo("  So many are gone that the course was probably reset: nothing was sent again.")
        click.echo(f"  To send them again: score reconcile --link {link_id} --all-lost")
        click.echo(f"  To leave them: score reconcile --link {link_id} --leave")
    return False


def _line(finding: Finding) -> str:
    ours = "none" if finding.ours is None else f"{finding.ours:g}"
    theirs = "none" if finding.theirs is None else f"{finding.theirs:g}"
    again = "; sent again" if finding.sent_again else ""
    who = finding.name or f"user {finding.sub}"
    return f"{who}: {finding.drift.value} (ours {ours}, gradebook {theirs}){again}"


def _each(
    names: tuple[str, ...],
    act: Callable[[Services, int, str], str | None],
    action: str,
    done: str = "",
) -> None:
    """Apply `act` to each grade, and print what it returns, or `done`."""
    with open_bridge() as services:
        for one in _of_names(names):
            _record(services, one, action)
            try:
                following = act(services, one.grade_id, WHO)
            except Refused as error:
                raise ConfigurationError(f"{one.name}: {error}") from error
            click.echo(f"{one.name}: {following or done}")


def _record(services: Services, one: _Chosen, action: str) -> None:
    """Add to the audit log in the action's transaction: a refused one leaves no entry."""
    platform_id = db.session.scalar(select(Grade.platform_id).where(Grade.id == one.grade_id))
    subject, now = f"grade {one.grade_id}", services.now()
    record(OPERATOR, action, subject, SAID[action], now=now, platform_id=platform_id)


def _record_link(services: Services, link_name: str, state: str, count: int) -> None:
    """Record an action on a whole link, with the first of its grades."""
    link, now = find_link(link_name), services.now()
    said = f"asked to send {counted(count, f'{state} grade')} again"
    platform_id = link.deployment.platform_id
    record(OPERATOR, "resend", f"link {link.id}", said, now=now, platform_id=platform_id)


def _of_names(names: tuple[str, ...]) -> list[_Chosen]:
    """Return the grades of registration ids; raises ConfigurationError for an unknown one."""
    with reading():
        chosen = []
        for name in names:
            query = _grade_of_registration().where(Registration.registration_id == name.strip())
            grade_id = db.session.scalar(query)
            if grade_id is None:
                raise ConfigurationError(f"there is no registration {name}")
            chosen.append(_Chosen(grade_id, name))
    return chosen


def _of_link(name: str, state: str) -> list[_Chosen]:
    with reading():
        link = find_link(name)
        query = _newest(state).where(Grade.resource_link_id == link.id)
        return [
            _Chosen(found.grade_id, registration or f"grade {found.grade_id}")
            for found, registration in db.session.execute(query).all()
        ]


def _grade_of_registration() -> Select[int]:
    return select(Grade.id).join(
        Registration,
        OF_SAME_GRADE,
    )


def _newest(state: str) -> Select[Score, str]:
    """Select scores that are the newest of their grade and in a state, with registration ids."""
    newer = aliased(Score)
    sequence = select(func.max(newer.sequence)).where(newer.grade_id == Score.grade_id)
    return (
        select(Score, Registration.registration_id)
        .join(Grade, Grade.id == Score.grade_id)
        .outerjoin(Registration, Registration.id == Score.registration_id)
        .where(Score.state == state, Score.sequence == sequence.scalar_subquery())
        .order_by(Score.id)
    )
