"""Problems of the bridge itself and of SCORM Cloud, which concern its owners."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import func, select

from ..core.clock import say_time
from ..core.db import db
from ..core.plain_text import counted
from ..ops import selftest
from ..ops.kept_checks import BRIDGE, FAILED, Kept, account_subject, kept_checks, platform_subject
from ..ops.processes import WORKER, Nodes, load_nodes
from ..passback.models import SweepCursor
from ..people.models import ConsoleGrant
from ..platforms.models import KeyState, Platform, ScormAccount, ToolKey
from ..registrations.models import OF_SAME_GRADE, Grade, Registration
from ..services import Services
from .causes import ADMIN, OPERATOR, OWNER
from .models import Outage
from .outages import QUEUE
from .problem import Problem, ProblemKind

# A usual rotation interval of signing keys.
ROTATE_AFTER = timedelta(days=365)
# Tolerated delays of the next sweep, and of other work.
LATE = timedelta(minutes=5)
TOLD_WHEN_BEHIND = timedelta(minutes=15)
# Consecutive failures of one result's read while SCORM Cloud serves other requests.
FAILED_READS = 5

_WHO = {
    selftest.LMS_ADMIN: ADMIN,
    selftest.ACCOUNT_OWNER: "The owner of the SCORM Cloud account",
}

Outages = dict[tuple[str, str], Outage]


def find_bridge_problems(services: Services) -> Iterator[Problem]:
    """Yield problems of processes, queue, keys, accounts and stored self-tests.

    Reads in the caller's transaction.
    """
    now = services.now()
    outages: Outages = {(one.kind, one.subject): one for one in db.session.scalars(select(Outage))}
    accounts = list(db.session.scalars(select(ScormAccount).order_by(ScormAccount.id)))
    nodes = load_nodes(now)
    yield from _workers(nodes)
    yield from _processes(nodes)
    yield from _queue(outages)
    for account in accounts:
        yield from _account(account, outages, now)
    yield from _reading(outages)
    if not nodes.without_worker:
        yield from _behind(now)
    yield from _self_tests(accounts, outages)
    yield from _old_key(now)
    yield from _wishes()


def _workers(nodes: Nodes) -> Iterator[Problem]:
    if nodes.without_worker:
        begun = min(one.started_at for one in nodes.processes)
        yield Problem(
            kind=ProblemKind.NO_WORKER,
            subject="workers",
            what="No worker runs",
            detail="Grades wait, and nothing of them is lost.",
            since=nodes.worker_seen_at or begun,
            who=OPERATOR,
            how="Start one with `lti-bridge worker`, or `lti-bridge serve` without `--no-worker`.",
        )


def _processes(nodes: Nodes) -> Iterator[Problem]:
    for one in nodes.processes:
        if one.silent and not (nodes.without_worker and one.kind == WORKER):
            yield Problem(
                kind=ProblemKind.SILENT,
                subject=f"process {one.row_id}",
                what=f"The {one.kind} process of {one.node} is silent",
                detail="It was killed, or its machine is away.",
                since=one.seen_at,
                who=OPERATOR,
                how="Start it again, or forget it if that machine is no more.",
                row_id=one.row_id,
            )
    skewed = {one.node: one for one in nodes.processes if one.skewed and not one.silent}
    for node, one in skewed.items():
        yield Problem(
            kind=ProblemKind.CLOCK,
            subject=f"node {node}",
            what=f"The clock of {node} is {one.ahead_seconds:+.0f} s from the database's",
            detail="LMSs refuse tokens of the wrong time.",
            since=one.skewed_since or one.started_at,
            who=OPERATOR,
            how="Let the machine keep its time by NTP.",
        )
    if len(nodes.versions) > 1:
        newest = max(one.started_at for one in nodes.processes if not one.silent)
        yield Problem(
            kind=ProblemKind.VERSIONS,
            subject="versions",
            what=f"Different versions run: {', '.join(nodes.versions)}",
            since=newest,
            who=OPERATOR,
            how="Upgrade the other nodes soon.",
            serious=False,
        )


def _queue(outages: Outages) -> Iterator[Problem]:
    one = outages.get((ProblemKind.QUEUE, QUEUE))
    if one is not None:
        yield Problem(
            kind=ProblemKind.QUEUE,
            subject=QUEUE,
            what="The queue does not answer",
            detail=f"{one.failure}. Grades come some seconds later, and none is lost.",
            since=one.began_at,
            who=OPERATOR,
            how="Look at the server behind queue_url, and at the network between.",
        )


def _account(account: ScormAccount, outages: Outages, now: datetime) -> Iterator[Problem]:
    subject = account_subject(account.id)
    calls = outages.get((ProblemKind.SCORM_CLOUD, subject))
    sweep = outages.get((ProblemKind.SWEEP, subject))
    if calls is not None:
        yield _failing_account(account, calls)
    elif sweep is not None:
        yield _failing_sweep(account, sweep.began_at, sweep.failure)
    elif (late := _late_since(account, now)) is not None:
        yield _failing_sweep(account, late, "the next look is overdue")


def _failing_account(account: ScormAccount, outage: Outage) -> Problem:
    what = "does not accept the app id and secret key" if outage.is_refusal else "does not answer"
    how = (
        "Put a valid app id and secret key in on the account's page, or into the settings."
        if outage.is_refusal
        else "Launches and results wait for it, and nothing is lost. Test it to see whether it "
        "answers again; if not, look at the network and at SCORM Cloud's status page."
    )
    return Problem(
        kind=ProblemKind.SCORM_CLOUD,
        subject=outage.subject,
        cause="refused" if outage.is_refusal else "down",
        what=f"SCORM Cloud {what} (account {account.name})",
        detail=outage.failure,
        since=outage.began_at,
        who=OWNER if outage.is_refusal else "Usually it ends by itself; else the operator",
        how=how,
        learners=_count_unread(account.id),
        row_id=account.id,
    )


def _failing_sweep(account: ScormAccount, since: datetime, failure: str) -> Problem:
    return Problem(
        kind=ProblemKind.SWEEP,
        subject=account_subject(account.id),
        what=f"SCORM Cloud is not looked through for changed results (account {account.name})",
        detail=f"{failure[:1].upper()}{failure[1:]}. Results of learners who closed the player's "
        "window come late.",
        since=since,
        who=OPERATOR,
        how="Test the account; the log of the worker says more.",
        row_id=account.id,
    )


def _late_since(account: ScormAccount, now: datetime) -> datetime | None:
    due = select(SweepCursor.next_sweep_at).where(SweepCursor.scorm_account_id == account.id)
    next_at = db.session.scalar(due)
    return next_at if next_at is not None and next_at < now - LATE else None


def _count_unread(account_id: int) -> int:
    """Count the learners whose results could not be read."""
    theirs = select(Registration.id).where(
        OF_SAME_GRADE, Registration.scorm_account_id == account_id
    )
    query = select(func.count(Grade.learner_id.distinct())).where(
        Grade.next_read_at.is_not(None), Grade.failures > 0, theirs.exists()
    )
    return db.session.scalar(query) or 0


def _reading(outages: Outages) -> Iterator[Problem]:
    if any(kind == ProblemKind.SCORM_CLOUD for kind, _ in outages):
        return
    launched_at = select(func.max(Registration.launched_at)).where(OF_SAME_GRADE).scalar_subquery()
    query = select(func.count(Grade.learner_id.distinct()), func.min(launched_at)).where(
        Grade.next_read_at.is_not(None), Grade.failures >= FAILED_READS
    )
    learners, since = db.session.execute(query).one()
    if learners:
        yield Problem(
            kind=ProblemKind.READING,
            subject="results",
            what="SCORM Cloud does not tell the results of some learners",
            detail="It answers other questions.",
            since=since,
            who=OPERATOR,
            how="They are read again by themselves. `lti-bridge registration show` tells a "
            "registration's story.",
            learners=learners,
        )


def _behind(now: datetime) -> Iterator[Problem]:
    moments: list[datetime] = []
    learners = 0
    for due_at in (Grade.next_read_at, Grade.next_send_at):
        query = select(func.min(due_at), func.count(Grade.learner_id.distinct()))
        oldest, count = db.session.execute(query.where(due_at <= now - LATE)).one()
        learners += count
        moments += [oldest] if oldest is not None else []
    if moments:
        yield Problem(
            kind=ProblemKind.BEHIND,
            subject="work",
            what=f"{counted(learners, 'grade')} due for more than {LATE.seconds // 60} minutes",
            detail="Workers run, and do not keep up.",
            since=min(moments),
            who=OPERATOR,
            how="If it stays so, start more workers (docs/capacity.md).",
            learners=learners,
            told_after=TOLD_WHEN_BEHIND,
        )


def _self_tests(accounts: list[ScormAccount], outages: Outages) -> Iterator[Problem]:
    platforms = {
        platform_subject(row.id): (row.name, row.id)
        for row in db.session.scalars(select(Platform).where(Platform.disabled_at.is_(None)))
    }
    names = {account_subject(row.id): (f"account {row.name}", row.id) for row in accounts}
    down = {subject for kind, subject in outages if kind == ProblemKind.SCORM_CLOUD}
    for subject, kept in sorted(kept_checks().items()):
        if kept.mark != FAILED or subject in down:  # reported already
            continue
        if subject == BRIDGE:
            yield _failed_test(kept, "the bridge", None, None)
        elif subject in platforms:
            name, row_id = platforms[subject]
            yield _failed_test(kept, name, row_id, row_id)
        elif subject in names:
            name, row_id = names[subject]
            yield _failed_test(kept, name, row_id, None)


def _failed_test(kept: Kept, name: str, row_id: int | None, platform_id: int | None) -> Problem:
    line = next(one for one in kept.lines if one["mark"] == FAILED)
    return Problem(
        kind=ProblemKind.SELF_TEST,
        subject=kept.subject,
        what=f"The self-test of {name} found something wrong",
        detail=f"{line['check']}: {line['found']} (tested {say_time(kept.checked_at)})",
        since=kept.failed_since or kept.checked_at,
        who=_WHO.get(line["who"], OPERATOR),
        how=str(line["how"]),
        platform_id=platform_id,
        row_id=row_id,
    )


def _old_key(now: datetime) -> Iterator[Problem]:
    """Report an old signing key, unless a newer one signs soon."""
    signs = ToolKey.state.in_((KeyState.NEXT, KeyState.SIGNING))
    query = select(ToolKey.state_changed_at).where(signs)
    since = db.session.scalar(query.order_by(ToolKey.id.desc()).limit(1))
    if since is not None and now - since > ROTATE_AFTER:
        yield Problem(
            kind=ProblemKind.OLD_KEY,
            subject="tool keys",
            what=f"The signing key has been in use since {since:%Y-%m-%d}",
            detail="It is time for a new one; nothing stops meanwhile.",
            since=since + ROTATE_AFTER,
            who=OWNER,
            how="Rotate it: LMSs learn the new key by themselves.",
        )


def _wishes() -> Iterator[Problem]:
    asking = ConsoleGrant.granted_at.is_(None)
    query = select(func.count(ConsoleGrant.id), func.min(ConsoleGrant.asked_at)).where(asking)
    count, since = db.session.execute(query).one()
    if count:
        yield Problem(
            kind=ProblemKind.CONSOLE_WISH,
            subject="people",
            what=f"{counted(count, 'admin')} of an LMS {'asks' if count == 1 else 'ask'} for the "
            "console",
            since=since,
            who=OWNER,
            how="Let them in, or refuse.",
            serious=False,
        )
