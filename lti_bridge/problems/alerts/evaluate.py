"""Find the current problems, update their rows, and create the alerts."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, update

from ...audit.actor import Scope
from ...core.db import db, insert_if_new, reading, write
from ...core.leases import Leases, none_or_past
from ...core.plain_text import one_line
from ...passback.models import Score
from ...passback.rules.score_states import ScoreState
from ...services import Services
from ..find_problems import find_problems
from ..problem import Problem
from .decide import (
    DIGEST,
    AlertDecision,
    ChannelFacts,
    SeenFacts,
    decide,
    line_of,
    next_digest_at,
)
from .models import AlertChannel, AlertTurn, SeenProblem
from .outbox import add_message, forget_old

Find = Callable[[Services, Scope], Sequence[Problem]]
# Less than the runners' interval, so that each round of one evaluates.
AGAIN_AFTER = timedelta(seconds=10)
LEASE = timedelta(seconds=60)
THE_TURN = 1
_TURN = AlertTurn.__table__
LEASES = Leases(_TURN, none_or_past(_TURN.c.next_at))
DIGEST_HOUR = 7
DAY = timedelta(days=1)


def evaluate(services: Services, find: Find = find_problems) -> bool:
    """Evaluate unless another process does or just did; tells whether it did. Commits."""
    lease = LEASES.make_and_take(THE_TURN, services.now(), LEASE)
    db.session.commit()
    if lease is None:
        return False
    with reading():
        problems = find(services, Scope())
    now = services.now()
    # In the transaction of the results, unless another process has evaluated meanwhile.
    if not LEASES.release(THE_TURN, lease.token, {"next_at": now + AGAIN_AFTER}):
        db.session.rollback()
        return False
    channels = list(
        db.session.scalars(
            select(AlertChannel).where(AlertChannel.disabled_at.is_(None)).order_by("id")
        )
    )
    facts = [ChannelFacts(row.id, row.created_at) for row in channels]
    decision = decide(problems, _load_seen(problems), facts, now)
    _keep(decision, now)
    by_id = {row.id: row for row in channels}
    for one in decision.messages:
        channel = by_id[one.channel_id]
        add_message(services, channel, one.event, now=now, next_try_at=now, lines=one.lines)
    _write_digests(services, channels, problems, now)
    forget_old(now)
    db.session.commit()
    return True


def all_well_since() -> datetime | None:
    """Return when a problem was last seen, None for never.

    Reads in the caller's transaction. Problems that ended over 90 days ago are deleted.
    """
    return db.session.scalar(select(func.max(SeenProblem.last_seen_at)))


def _load_seen(problems: Sequence[Problem]) -> list[SeenFacts]:
    """Return stored problems that last, and ended ones with the key of a current problem."""
    keys = {problem.key for problem in problems}
    query = select(
        SeenProblem.id,
        SeenProblem.key,
        SeenProblem.kind,
        SeenProblem.what,
        SeenProblem.since,
        SeenProblem.first_seen_at,
        SeenProblem.last_seen_at,
        SeenProblem.alerted_at,
        SeenProblem.ended_at,
    ).where(or_(SeenProblem.ended_at.is_(None), SeenProblem.key.in_(keys)))
    return [SeenFacts(*row) for row in db.session.execute(query.order_by(SeenProblem.id))]


def _keep(decision: AlertDecision, now: datetime) -> None:
    for problem in decision.new:
        facts = {"key": problem.key, "kind": str(problem.kind), "subject": problem.subject[:200]}
        insert_if_new(db.session, SeenProblem, **facts, **_beginning(problem, now))
    for row_id, problem in decision.anew:
        _update([row_id], **_beginning(problem, now), alerted_at=None, ended_at=None)
    _update(decision.lasting, last_seen_at=now)
    for row_id, problem in decision.told.items():
        _update([row_id], alerted_at=now, what=one_line(problem.what))
    _update(decision.ended, ended_at=now)


def _beginning(problem: Problem, now: datetime) -> dict[str, str | datetime]:
    what = one_line(problem.what)
    return {"what": what, "since": problem.since or now, "first_seen_at": now, "last_seen_at": now}


def _update(row_ids: Sequence[int], **values: object) -> None:
    if row_ids:
        statement = update(SeenProblem).where(SeenProblem.id.in_(row_ids)).values(values)
        write(statement)


def _write_digests(
    services: Services,
    channels: Sequence[AlertChannel],
    problems: Sequence[Problem],
    now: datetime,
) -> None:
    due = [row for row in channels if row.digest and row.digest_at and row.digest_at <= now]
    if not due:
        return
    grades = _count_delivered(now)
    lines = tuple(line_of(problem) for problem in problems)
    for row in due:
        row.digest_at = next_digest_at(now, DIGEST_HOUR)
        add_message(services, row, DIGEST, now=now, next_try_at=now, lines=lines, grades=grades)


def _count_delivered(now: datetime) -> int:
    arrived = Score.state == ScoreState.ACCEPTED, Score.finished_at > now - DAY
    return db.session.scalar(select(func.count()).select_from(Score).where(*arrived)) or 0
