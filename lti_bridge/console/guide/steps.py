"""The set-up guide; which steps are done is derived from rows, so it is always current."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Select, or_, select

from ...core.db import db, reading
from ...ops.kept_checks import BRIDGE, FAILED, Kept, account_subject, kept_checks, platform_subject
from ...platforms.accounts import list_accounts
from ...platforms.models import Deployment, Platform, ScormAccount
from ...registrations.models import Grade, ResourceLink


@dataclass(frozen=True)
class Done:
    """Which steps are done."""

    account: bool
    platform: bool
    launch: bool
    course: bool
    test: bool

    @property
    def everything(self) -> bool:
        """True when every step is done."""
        return all(asdict(self).values())


@dataclass(frozen=True)
class WaitingInstallation:
    """An installation whose launch was refused because it is not approved."""

    platform_id: int
    platform: str
    deployment_id: str


@dataclass(frozen=True)
class Guide:
    """Everything that the guide shows."""

    done: Done
    accounts: Sequence[str]
    platforms: Sequence[tuple[int, str, str]]  # number, name, kind of LMS
    launched: Sequence[str]  # names of the platforms that have launched
    waiting: Sequence[WaitingInstallation]
    failed: Sequence[Kept]


def load_done() -> Done:
    """Return which steps are done."""
    return load_guide().done


def load_guide() -> Guide:
    """Return the guide's steps and values."""
    with reading():
        accounts = list_accounts()
        platforms = list(db.session.scalars(_enabled()))
        launched = _launched(platforms)
        kept, wanted = kept_checks(), _wanted(accounts, platforms)
        done = Done(
            account=bool(accounts),
            platform=bool(platforms),
            launch=bool(launched),
            course=_any_course(),
            test=all(one in kept and kept[one].mark != FAILED for one in wanted),
        )
        return Guide(
            done=done,
            accounts=[row.name for row in accounts],
            platforms=[(row.id, row.name, row.dialect) for row in platforms],
            launched=launched,
            waiting=[w for row in platforms for w in _waiting(row)],
            failed=[kept[one] for one in wanted if one in kept and kept[one].mark == FAILED],
        )


def needs_setup() -> bool:
    """Tell whether no platform can launch yet, so that the guide is an owner's first page."""
    with reading():
        return db.session.scalar(_enabled().with_only_columns(Platform.id).limit(1)) is None


def _enabled() -> Select[Platform]:
    return select(Platform).where(Platform.disabled_at.is_(None)).order_by(Platform.id)


def _wanted(accounts: Sequence[ScormAccount], platforms: Sequence[Platform]) -> list[str]:
    subjects = [BRIDGE]
    subjects += [account_subject(row.id) for row in accounts]
    return subjects + [platform_subject(row.id) for row in platforms]


def _launched(platforms: Sequence[Platform]) -> list[str]:
    """Return the platforms that have launched."""
    names = []
    for row in platforms:
        came = any(one.launched_at is not None for one in row.deployments)
        grade = select(Grade.id).where(Grade.platform_id == row.id).limit(1)
        if came or db.session.scalar(grade) is not None:
            names.append(row.name)
    return names


def _any_course() -> bool:
    columns = ResourceLink.custom_course, ResourceLink.override_course
    known = or_(*(one.is_not(None) for one in (*columns, ResourceLink.remembered_course)))
    return db.session.scalar(select(ResourceLink.id).where(known).limit(1)) is not None


def _waiting(row: Platform) -> list[WaitingInstallation]:
    pending: list[Deployment] = [one for one in row.deployments if not one.is_active]
    active = len(pending) < len(row.deployments)
    # Of a platform with an active one, they are not part of the set-up.
    return (
        []
        if active
        else [WaitingInstallation(row.id, row.name, one.deployment_id) for one in pending]
    )
