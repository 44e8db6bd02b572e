"""Retention rules: each kind of row, its maximum age, and its exceptions."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from ..core.config import PrivacySettings
from ..core.db import Base
from ..lti.models import UsedNonce
from ..passback.models import Score, ScoreTry
from ..passback.rules.score_states import ScoreState
from ..people.models import FORGOTTEN_AFTER, ConsoleInvite, ConsoleSession, SignInFailure
from ..platforms.models import Invite
from ..registrations.models import Launch, Learner, Registration, StaffVisit, TrailEvent

INVITES_KEPT = timedelta(days=30)
NO_TIME = timedelta(0)
STAFF_KEPT = timedelta(days=1)


@dataclass(frozen=True)
class Kind:
    """Rows of one table that are deleted once `age` is before the cutoff and `also` is true.

    `in_order`: ids grow with `age`, so the search ends at the first page without an old row.
    `blank`: columns that are emptied instead of deleting the row.
    """

    name: str
    key: InstrumentedAttribute[Any]
    age: InstrumentedAttribute[datetime]
    kept: timedelta
    also: Callable[[datetime], tuple[ColumnElement[bool], ...]] = field(default=lambda cutoff: ())
    in_order: bool = False
    blank: tuple[str, ...] = ()

    @property
    def model(self) -> type[Base]:
        """The table."""
        return cast(type[Base], self.key.class_)

    def is_due(self, cutoff: datetime) -> ColumnElement[bool]:
        """Return the condition under which a row is due."""
        return and_(self.age < cutoff, *self.also(cutoff))


def kinds(settings: PrivacySettings) -> list[Kind]:
    """Return the kinds that the settings limit, without those that are kept permanently.

    Scores, registrations and grades are always kept: they decide what is sent.
    """
    chosen = [
        (settings.retain_trail_days, _trail),
        (settings.retain_launches_days, _launches),
        (settings.retain_tries_days, _tries),
        (settings.forget_names_days, _names),
    ]
    by_days = [make(timedelta(days=days)) for days, make in chosen if days]
    return by_days + _outdated()


def _trail(kept: timedelta) -> Kind:
    return Kind("trail events", TrailEvent.id, TrailEvent.at, kept, in_order=True)


def _launches(kept: timedelta) -> Kind:
    """All but the newest of a registration and those whose result is awaited."""
    newer = aliased(Launch)

    def also(_cutoff: datetime) -> tuple[ColumnElement[bool], ...]:
        replaced = select(newer.id).where(
            newer.registration_id == Launch.registration_id, newer.id > Launch.id
        )
        settled = or_(Launch.exited_at.is_(None), Launch.settled_at.is_not(None))
        return replaced.exists(), settled, Launch.looks_from.is_(None)

    return Kind("launches", Launch.id, Launch.launched_at, kept, also, in_order=True)


def _tries(kept: timedelta) -> Kind:
    """All but those of queued scores, which determine the back-off."""

    def also(_cutoff: datetime) -> tuple[ColumnElement[bool], ...]:
        finished = select(Score.id).where(
            Score.id == ScoreTry.score_id, Score.state != ScoreState.QUEUED
        )
        return (finished.exists(),)

    return Kind("score tries", ScoreTry.id, ScoreTry.tried_at, kept, also, in_order=True)


def _names(kept: timedelta) -> Kind:
    columns = ("first_name", "last_name", "email")

    def also(cutoff: datetime) -> tuple[ColumnElement[bool], ...]:
        seen = select(Registration.id).where(
            Registration.learner_id == Learner.id,
            or_(Registration.launched_at >= cutoff, Registration.opened_at >= cutoff),
        )
        named = or_(*(getattr(Learner, column).is_not(None) for column in columns))
        return named, ~seen.exists()

    return Kind("names", Learner.id, Learner.created_at, kept, also, blank=columns)


def _staff(kept: timedelta) -> Kind:
    """Visits by staff, whose age restarts with each launch."""

    def also(cutoff: datetime) -> tuple[ColumnElement[bool], ...]:
        return (or_(StaffVisit.seen_at.is_(None), StaffVisit.seen_at < cutoff),)

    return Kind("staff visits", StaffVisit.id, StaffVisit.first_seen_at, kept, also)


def _outdated() -> list[Kind]:
    """Rows that are useless after their expiry."""
    return [
        _staff(STAFF_KEPT),
        Kind("used nonces", UsedNonce.nonce, UsedNonce.expires_at, NO_TIME),
        Kind("console sessions", ConsoleSession.id, ConsoleSession.expires_at, NO_TIME),
        Kind("sign-in failures", SignInFailure.id, SignInFailure.failed_at, FORGOTTEN_AFTER),
        Kind("console invites", ConsoleInvite.id, ConsoleInvite.expires_at, INVITES_KEPT),
        Kind("platform invites", Invite.id, Invite.expires_at, INVITES_KEPT),
    ]
