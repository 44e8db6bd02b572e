"""What retention lets go of: each kind of row, how old, and what must stay all the same."""

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
    """Rows of one table that may go once their `age` lies before the cutoff and `also` is true.

    `in_order`: numbered as time goes on, so the search can end at the first page without an old
    one. `blank`: the columns that are emptied instead of deleting the row.
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
        """Return the condition under which a row goes."""
        return and_(self.age < cutoff, *self.also(cutoff))


def kinds(settings: PrivacySettings) -> list[Kind]:
    """Return the kinds that the settings let go of; a kind kept for ever is not among them.

    Scores, registrations and grades are never among them: they decide what is sent.
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
    """Not the newest of a registration, nor one whose result is still looked for."""
    newer = aliased(Launch)

    def also(_cutoff: datetime) -> tuple[ColumnElement[bool], ...]:
        replaced = select(newer.id).where(
            newer.registration_id == Launch.registration_id, newer.id > Launch.id
        )
        settled = or_(Launch.exited_at.is_(None), Launch.settled_at.is_not(None))
        return replaced.exists(), settled, Launch.looks_from.is_(None)

    return Kind("launches", Launch.id, Launch.launched_at, kept, also, in_order=True)


def _tries(kept: timedelta) -> Kind:
    """Those of a queued score count for its back-off."""

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
    """Each launch as staff renews its visit."""

    def also(cutoff: datetime) -> tuple[ColumnElement[bool], ...]:
        return (or_(StaffVisit.seen_at.is_(None), StaffVisit.seen_at < cutoff),)

    return Kind("staff visits", StaffVisit.id, StaffVisit.first_seen_at, kept, also)


def _outdated() -> list[Kind]:
    """What has no more use after its own time."""
    return [
        _staff(STAFF_KEPT),
        Kind("used nonces", UsedNonce.nonce, UsedNonce.expires_at, NO_TIME),
        Kind("console sessions", ConsoleSession.id, ConsoleSession.expires_at, NO_TIME),
        Kind("sign-in failures", SignInFailure.id, SignInFailure.failed_at, FORGOTTEN_AFTER),
        Kind("console invites", ConsoleInvite.id, ConsoleInvite.expires_at, INVITES_KEPT),
        Kind("platform invites", Invite.id, Invite.expires_at, INVITES_KEPT),
    ]
