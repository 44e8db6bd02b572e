"""Gauges of waiting work, counted from rows when read, with one query each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.exc import SQLAlchemyError

from .. import __version__
from ..core.db import db, reading
from ..passback.models import Score, SweepCursor
from ..passback.rules.score_states import ScoreState
from ..platforms.models import Deployment, DeploymentStatus, Platform, ScormAccount
from ..registrations.models import Grade
from ..services import Services

Values = Mapping[tuple[str, ...], float]  # by label values


@dataclass(frozen=True)
class Gauge:
    """A gauge metric."""

    name: str
    help: str
    labels: tuple[str, ...] = ()


INFO = Gauge("lti_bridge_info", "The version that runs; always 1.", ("version",))
DATABASE_UP = Gauge("lti_bridge_database_up", "1 if the gauges below could be counted, else 0.")
GRADES_DUE = Gauge("lti_bridge_grades_due", "Grades whose next step is due now.", ("step",))
OLDEST_DUE = Gauge("lti_bridge_oldest_due_seconds", "How long the oldest has been due.", ("step",))
LEASES = Gauge("lti_bridge_open_leases", "Grades that a worker holds at this moment.")
SCORES_WAITING = Gauge(
    "lti_bridge_scores_waiting", "Scores that no gradebook has yet.", ("platform", "state")
)
PENDING_DEPLOYMENTS = Gauge(
    "lti_bridge_pending_deployments", "Deployments that wait for approval.", ("platform",)
)
SWEEP_LATE = Gauge(
    "lti_bridge_sweep_late_seconds", "How long the next sweep has been due.", ("account",)
)


class RowGauges:
    """A collector for prometheus_client that queries the database at each scrape."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield every gauge; without a database only the one that says so."""
        yield _family(INFO, {(__version__,): 1})
        try:
            found = self._count()
        except SQLAlchemyError:
            db.session.rollback()
            yield _family(DATABASE_UP, {(): 0})
            return
        yield _family(DATABASE_UP, {(): 1})
        yield from found

    def _count(self) -> list[GaugeMetricFamily]:
        now = self._services.now()
        with reading():
            return [
                *_due_grades(now),
                _family(SCORES_WAITING, _scores_waiting()),
                _family(PENDING_DEPLOYMENTS, _pending_deployments()),
                _family(SWEEP_LATE, _late_sweeps(now)),
            ]


def _family(gauge: Gauge, values: Values) -> GaugeMetricFamily:
    family = GaugeMetricFamily(gauge.name, gauge.help, labels=gauge.labels)
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family


def _due_grades(now: datetime) -> Iterator[GaugeMetricFamily]:
    """Count due grades; leased ones are among them, as a grade stays due meanwhile."""
    read, send = Grade.next_read_at <= now, Grade.next_send_at <= now
    query = select(
        _how_many(read),
        _how_many(send),
        func.min(case((read, Grade.next_read_at))),
        func.min(case((send, Grade.next_send_at))),
        _how_many(Grade.lease_until > now),
    ).where(or_(read, send))
    reads, sends, read_since, send_since, leases = db.session.execute(query).one()
    yield _family(GRADES_DUE, {("read",): reads, ("send",): sends})
    waits: Values = {("read",): _seconds(read_since, now), ("send",): _seconds(send_since, now)}
    yield _family(OLDEST_DUE, waits)
    yield _family(LEASES, {(): leases})


def _how_many(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((condition, 1)))


def _seconds(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since is not None else 0.0


def _scores_waiting() -> Values:
    query = (
        select(Platform.name, Score.state, func.count())
        .select_from(Score)
        .join(Grade, Grade.id == Score.grade_id)
        .join(Platform, Platform.id == Grade.platform_id)
        .where(Score.state.in_((ScoreState.QUEUED, ScoreState.PARKED)))
        .group_by(Platform.name, Score.state)
    )
    return {(name, state): count for name, state, count in db.session.execute(query)}


def _pending_deployments() -> Values:
    # Needs no index: platforms have few deployments, and a bounded number of pending ones.
    query = (
        select(Platform.name, func.count())
        .select_from(Deployment)
        .join(Platform, Platform.id == Deployment.platform_id)
        .where(Deployment.status == DeploymentStatus.PENDING)
        .group_by(Platform.name)
    )
    return {(name,): count for name, count in db.session.execute(query)}


def _late_sweeps(now: datetime) -> Values:
    query = select(ScormAccount.name, SweepCursor.next_sweep_at).join(
        SweepCursor, SweepCursor.scorm_account_id == ScormAccount.id
    )
    return {(name,): _seconds(due_at, now) for name, due_at in db.session.execute(query)}
