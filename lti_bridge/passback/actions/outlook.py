"""Say when a platform takes scores again, as the rows of its grades tell it."""

from datetime import datetime

from sqlalchemy import func, select

from ...core.clock import say_time
from ...core.db import db
from ...platforms.models import Platform
from ...registrations.models import Grade
from ...web.sentences import format_message
from ..pipeline.send_score import RESTS
from ..rules import reasons


def rests_until(platform_id: int, now: datetime) -> datetime | None:
    """Return until when workers leave an LMS alone that did not answer; None: they do not.

    Each worker process keeps that to itself; the grades that it turned away hold the moment.
    """
    return db.session.scalar(
        select(func.max(Grade.next_send_at)).where(
            Grade.next_send_at > now,
            Grade.platform_id == platform_id,
            Grade.decision_reason == RESTS,
        )
    )


def tell_pause(
    paused_until: datetime | None, throttled: bool, rests: datetime | None, now: datetime
) -> str:
    """Return why an LMS is left alone at the moment, and until when; "" when it is not."""
    if paused_until is not None and paused_until > now:
        template = reasons.THROTTLED if throttled else reasons.PAUSED
        return format_message(template, until=say_time(paused_until))
    if rests is not None and rests > now:
        return format_message(reasons.RESTS_UNTIL, until=say_time(rests))
    return ""


def tell_pause_of(platform: Platform, now: datetime) -> str:
    """Do the same for a platform's row, in the caller's transaction."""
    rests = rests_until(platform.id, now)
    return tell_pause(platform.paused_until, platform.is_throttled, rests, now)
