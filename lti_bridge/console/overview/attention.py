"""What needs somebody right now, and what is on its way; each question is bounded by an index."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select

from ...audit.actor import Actor, Scope
from ...core.db import db, reading
from ...core.errors import Unavailable
from ...passback.models import Score
from ...passback.rules.score_states import PARKED, QUEUED
from ...people.models import ConsoleGrant
from ...platforms.deployments import PENDING
from ...platforms.keys import NEXT, SIGNING
from ...platforms.models import Deployment, Platform, ToolKey
from ...registrations.granted_scopes import missing_grants_at
from ...registrations.models import Grade, Learner, ResourceLink
from ...services import Services

COUNTED_AT_MOST = 1000
SHOWN_AT_MOST = 20
# As long as organisations usually let a signing key live.
ROTATE_AFTER = timedelta(days=365)


@dataclass(frozen=True)
class Stuck:
    """Scores that nobody sends any more until somebody helps, for one reason."""

    reason: str
    count: int
    learner_id: int  # one of them, to begin with
    learner: str


@dataclass(frozen=True)
class PendingInstallation:
    """A deployment that waits for approval."""

    platform: str
    platform_id: int
    deployment_id: str
    since: datetime


@dataclass(frozen=True)
class Missing:
    """What a platform's admin has not granted, and what to do there."""

    platform: str
    platform_id: int
    what: str
    loss: str
    how: str
    serious: bool


@dataclass(frozen=True)
class Overview:
    """Everything that the page shows. Counts end at `COUNTED_AT_MOST`."""

    stuck: list[Stuck]
    pending: list[PendingInstallation]
    missing: list[Missing]
    wishes: int
    key_since: datetime | None  # when it is time to rotate: since when it has signed
    platforms: int
    queued: int
    due: int
    oldest_due_at: datetime | None
    jobs: int | None  # None: the queue does not answer
    now: datetime

    @property
    def is_quiet(self) -> bool:
        """Whether nothing needs anybody."""
        return not (self.stuck or self.pending or self.missing or self.wishes or self.key_since)


def load_overview(services: Services, actor: Actor) -> Overview:
    """Return what the actor's overview shows."""
    now = services.now()
    with reading(db.session()):
        platforms = _platforms(actor.scope)
        oldest, due = _due(actor.scope, now)
        shown = Overview(
            stuck=_stuck(actor.scope),
            pending=_pending(actor.scope),
            missing=[one for row in platforms for one in _missing(row)],
            wishes=_wishes() if actor.is_owner else 0,
            key_since=_key_to_rotate(now) if actor.is_owner else None,
            platforms=len(platforms),
            queued=_count_scores(actor.scope, QUEUED),
            due=due,
            oldest_due_at=oldest,
            jobs=_jobs(services) if actor.is_owner else None,
            now=now,
        )
    return shown


def mine(scope: Scope) -> list[ColumnElement[bool]]:
    """Return the conditions that limit a query of grades to what somebody sees."""
    if scope.platform_id is None:
        return []
    if scope.deployment_id is None:
        return [Grade.platform_id == scope.platform_id]
    links = select(ResourceLink.id).where(ResourceLink.deployment_id == scope.deployment_id)
    return [Grade.resource_link_id.in_(links)]


def _stuck(scope: Scope) -> list[Stuck]:
    some = (
        select(Score.reason, Grade.learner_id)
        .join(Grade, Grade.id == Score.grade_id)
        .where(Score.state == PARKED, *mine(scope))
        .limit(COUNTED_AT_MOST)
        .subquery()
    )
    query = (
        select(some.c.reason, func.count(), func.min(some.c.learner_id))
        .group_by(some.c.reason)
        .order_by(func.count().desc(), some.c.reason)
        .limit(SHOWN_AT_MOST)
    )
    found = list(db.session.execute(query))
    names = {row.id: row for row in _learners([number for _, _, number in found])}
    return [Stuck(reason, n, number, _name(names[number])) for reason, n, number in found]


def _learners(numbers: list[int]) -> list[Learner]:
    return list(db.session.scalars(select(Learner).where(Learner.id.in_(numbers))))


def _name(row: Learner) -> str:
    return " ".join(part for part in (row.first_name, row.last_name) if part) or row.sub


def _count_scores(scope: Scope, state: str) -> int:
    some = (
        select(Score.id)
        .join(Grade, Grade.id == Score.grade_id)
        .where(Score.state == state, *mine(scope))
        .limit(COUNTED_AT_MOST)
        .subquery()
    )
    return db.session.scalar(select(func.count()).select_from(some)) or 0


def _due(scope: Scope, now: datetime) -> tuple[datetime | None, int]:
    """Return since when the oldest grade has been due, and how many are."""
    moments: list[datetime] = []
    for due_at in (Grade.next_read_at, Grade.next_send_at):
        query = select(due_at).where(due_at <= now, *mine(scope)).order_by(due_at)
        moments += [one for one in db.session.scalars(query.limit(COUNTED_AT_MOST)) if one]
    return min(moments, default=None), min(len(moments), COUNTED_AT_MOST)


def _platforms(scope: Scope) -> list[Platform]:
    query = select(Platform).where(Platform.disabled_at.is_(None)).order_by(Platform.name)
    if scope.platform_id is not None:
        query = query.where(Platform.id == scope.platform_id)
    return list(db.session.scalars(query))


def _pending(scope: Scope) -> list[PendingInstallation]:
    query = select(Deployment, Platform.name).join(Platform).where(Deployment.status == PENDING)
    if scope.platform_id is not None:
        query = query.where(Deployment.platform_id == scope.platform_id)
    rows = db.session.execute(query.order_by(Deployment.id).limit(SHOWN_AT_MOST))
    return [
        PendingInstallation(name, row.platform_id, row.deployment_id, row.created_at)
        for row, name in rows
    ]


def _missing(row: Platform) -> list[Missing]:
    return [
        Missing(row.name, row.id, one.what, one.loss, one.how, one.serious)
        for one in missing_grants_at(row)
    ]


def _wishes() -> int:
    asking = select(func.count(ConsoleGrant.id)).where(ConsoleGrant.granted_at.is_(None))
    return db.session.scalar(asking) or 0


def _key_to_rotate(now: datetime) -> datetime | None:
    """Return since when the newest key has signed, if that is long; a rotation under way is one."""
    query = select(ToolKey.state_changed_at).where(ToolKey.state.in_((NEXT, SIGNING)))
    since = db.session.scalar(query.order_by(ToolKey.id.desc()).limit(1))
    return since if since is not None and now - since > ROTATE_AFTER else None


def _jobs(services: Services) -> int | None:
    try:
        return services.queue.size()
    except Unavailable:
        return None
