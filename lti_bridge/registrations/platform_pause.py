"""Pauses that an LMS asked for (Retry-After), stored with the platform for all nodes."""

from datetime import datetime

from sqlalchemy import and_, or_, select, update

from ..core.db import db, write
from ..platforms.models import Platform
from ..services import Services
from .grade_updates import lock_where, send_now, wake
from .models import Grade


def begin_pause(platform_id: int, until: datetime, *, throttled: bool) -> None:
    """Store that an LMS asked for a pause; never shortens one. Commits.

    `throttled`: it counts our requests (429), so nothing ends the pause early (RFC 6585 section 4).
    The Retry-After of a 503 is only an estimate (RFC 9110 section 10.2.3).
    """
    shorter = or_(Platform.paused_until.is_(None), Platform.paused_until < until)
    statement = update(Platform).where(Platform.id == platform_id, shorter)
    values = {"paused_until": until, "is_throttled": throttled, "probe_grade_id": None}
    write(statement.values(values))
    db.session.commit()


def end_pause(services: Services, platform_id: int, until: datetime) -> None:
    """End a pause early, since the LMS answered: send all grades that wait for it. Commits.

    Does not end a throttle's pause, nor one that was asked for later.
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
    """Clear a probe that has been sent, so that the next launch may send another. Commits."""
    mine = Platform.id == platform_id, Platform.probe_grade_id == grade_id
    statement = update(Platform).where(*mine).values(probe_grade_id=None)
    write(statement)
    db.session.commit()


def end_rest(services: Services, platform_id: int) -> None:
    """Send all grades delayed by failures, since a person's probe succeeded. Commits.

    Parked scores, and those that wait for an event, keep their own schedule.
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
    """Send one grade as a probe, in spite of pauses, because a person says the LMS is back.

    Returns False during a throttle's pause. Commits, and wakes a worker.
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
    """Send one waiting grade as a probe, because a launch shows that the LMS is back. Commits.

    `platform` is an object or a tuple. Without a pause it does nothing.
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
