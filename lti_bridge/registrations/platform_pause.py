"""A pause that an LMS asked for: kept with its row, so that every node leaves it alone."""

from datetime import datetime

from sqlalchemy import and_, or_, select, update

from ..core.db import db, write
from ..platforms.models import Platform
from ..services import Services
from .grade_updates import lock_where, send_now, wake
from .models import Grade


def begin_pause(platform_id: int, until: datetime, *, throttled: bool) -> None:
    """Keep that an LMS asked to be left alone until a moment; a longer pause stands. Commits.

    `throttled`: it counts our requests, so that nothing ends the pause early (RFC 6585 section 4;
    a Retry-After of 503 is a guess, RFC 9110 section 10.2.3).
    """
    shorter = or_(Platform.paused_until.is_(None), Platform.paused_until < until)
    statement = update(Platform).where(Platform.id == platform_id, shorter)
    values = {"paused_until": until, "is_throttled": throttled, "probe_grade_id": None}
    write(statement.values(values))
    db.session.commit()


def end_pause(services: Services, platform_id: int, until: datetime) -> None:
    """An answer proves that the LMS is back: let all grades go that wait for the pause. Commits.

    A throttle's pause does not end early, nor one that was asked for later.
    """
    mine = Platform.id == platform_id, Platform.paused_until == until
    statement = update(Platform).where(*mine, Platform.is_throttled.is_(False))
    values = {"paused_until": None, "probe_grade_id": None}
    ended = write(statement.values(values))
    db.session.commit()
    if ended:
        waiting = (Grade.platform_id == platform_id) & (Grade.next_send_at == until)
        lock_where(waiting)
        send_now(waiting, services.now())
        db.session.commit()


def forget_probe(platform_id: int, grade_id: int) -> None:
    """The grade that was to find out has done so; the next launch may send another. Commits."""
    mine = Platform.id == platform_id, Platform.probe_grade_id == grade_id
    statement = update(Platform).where(*mine).values(probe_grade_id=None)
    write(statement)
    db.session.commit()


def end_rest(services: Services, platform_id: int) -> None:
    """A grade that a person let go proves that the LMS is back: let all go that were put off after
    failures. Commits. What is parked, or waits for an event, has its own rounds.
    """
    now = services.now()
    put_off = and_(
        Grade.platform_id == platform_id,
        Grade.next_send_at > now,
        Grade.parked_at.is_(None),
        Grade.waits_for_line_item.is_(False),
    )
    lock_where(put_off)
    send_now(put_off, now)
    db.session.commit()


def probe_now(services: Services, platform_id: int, grade_id: int) -> bool:
    """A person says that an LMS is back: let one grade find out, whatever rest or pause there is.

    Tells whether it was let go: a throttle's pause is kept. Commits, and wakes a worker.
    """
    now = services.now()
    free = or_(
        Platform.is_throttled.is_(False),
        Platform.paused_until.is_(None),
        Platform.paused_until <= now,
    )
    mine = update(Platform).where(Platform.id == platform_id, free)
    statement = mine.values(probe_grade_id=grade_id)
    sent = write(statement)
    if sent:
        send_now(Grade.id == grade_id, now)
    db.session.commit()
    if sent:
        wake(services, grade_id)
    return bool(sent)


def send_probe(services: Services, platform: Platform) -> None:
    """A launch shows that the LMS is back: let one of the grades that wait find out. Commits.

    `platform` is the platform's row, as an object or a tuple. Costs nothing without a pause.
    """
    now = services.now()
    if platform.paused_until is None or platform.paused_until <= now or platform.is_throttled:
        return
    waiting = select(Grade.id).where(
        Grade.platform_id == platform.id, Grade.next_send_at == platform.paused_until
    )
    grade_id = db.session.scalar(waiting.order_by(Grade.id).limit(1))
    statement = update(Platform).where(
        Platform.id == platform.id,
        Platform.paused_until == platform.paused_until,
        Platform.probe_grade_id.is_(None),
    )
    sent = grade_id is not None and write(statement.values(probe_grade_id=grade_id))
    db.session.commit()
    if sent and grade_id is not None:
        send_now(Grade.id == grade_id, now)
        db.session.commit()
        wake(services, grade_id)
