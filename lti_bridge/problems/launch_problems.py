"""Problems of launches: lasting causes of refusals, and missing grants of LMSs."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from sqlalchemy import func, select

from ..core.db import db
from ..core.errors import Reason
from ..core.plain_text import counted
from ..ops.kept_checks import OK, kept_checks, platform_subject
from ..platforms.models import Deployment, DeploymentStatus, Platform
from ..registrations.granted_scopes import missing_grants_at
from ..registrations.models import Launch, Registration, ResourceLink
from ..web import rejections
from ..web.rejections import get_rejection
from .causes import ADMIN, OPERATOR, OWNER, TEACHER
from .find_refusals import known_refusals, near_miss, platform_of
from .models import RefusedLaunch
from .problem import Problem, ProblemKind

LAUNCHES = "launches"
LASTS = timedelta(hours=24)
# Problems of one instructor, which end with the next click without a trace here.
LASTS_IN_COURSE = timedelta(hours=1)
# Any site can send these requests: fewer are not reported.
STRANGERS_AT_LEAST = 3
# Reasons that concern SCORM Cloud or one user, and not the connection.
TOLD_ELSEWHERE = {
    Reason.SCORM_CLOUD_REFUSED,
    Reason.NOT_ENROLLED,
    Reason.NOT_FOR_YOU,
    Reason.UPLOADING_NOT_ALLOWED,
    Reason.PICKING_NOT_ALLOWED,
    Reason.LINKS_NOT_ACCEPTED,
    Reason.NO_COOKIES,
    Reason.ANONYMOUS_LAUNCH,
    Reason.REQUEST_TOO_LARGE,
}
_WHO = {
    rejections.TEACHER: TEACHER,
    rejections.ADMIN: ADMIN,
    rejections.OPERATOR: OPERATOR,
}


def find_launch_problems(now: datetime, platforms: dict[int, Platform]) -> Iterator[Problem]:
    """Yield problems that prevent launches. Reads in the caller's transaction."""
    yield from _refused(now, list(platforms.values()))
    yield from _pending(platforms)
    for platform in platforms.values():
        if platform.disabled_at is None:
            yield from _missing(platform)


def _refused(now: datetime, platforms: list[Platform]) -> Iterator[Problem]:
    query = known_refusals().where(RefusedLaunch.last_at > now - LASTS)
    groups: dict[tuple[str, int | None], list[RefusedLaunch]] = {}
    for row in db.session.scalars(query.order_by(RefusedLaunch.last_at)):
        if not _is_lasting(row, now):
            continue
        platform = platform_of(row, platforms)
        if not _has_ended(row, platform):
            groups.setdefault((row.code, platform.id if platform is not None else None), []).append(
                row
            )
    for (code, platform_id), rows in groups.items():
        if code != Reason.UNKNOWN_PLATFORM or _is_meant(rows, platforms):
            yield _refusals(code, platform_id, rows, platforms)


def _is_lasting(row: RefusedLaunch, now: datetime) -> bool:
    who = get_rejection(row.code).who
    if row.code in TOLD_ELSEWHERE or who not in _WHO:
        return False
    return who != rejections.TEACHER or row.last_at > now - LASTS_IN_COURSE


def _has_ended(row: RefusedLaunch, platform: Platform | None) -> bool:
    """Tell whether the cause of a refusal has been fixed since."""
    if platform is None:
        return False
    if row.code == Reason.UNKNOWN_PLATFORM:
        return True
    if row.code == Reason.PLATFORM_DISABLED:
        return platform.disabled_at is None
    if row.code == Reason.UNKNOWN_DEPLOYMENT:
        return _is_active(platform, row.deployment_id)
    kept = kept_checks([platform_subject(platform.id)]).get(platform_subject(platform.id))
    if kept is not None and kept.mark == OK and kept.checked_at > row.last_at:
        return True
    return _was_launched_since(platform, row.last_at)


def _is_active(platform: Platform, deployment_id: str) -> bool:
    query = select(Deployment.id).where(
        Deployment.platform_id == platform.id,
        Deployment.deployment_id == deployment_id,
        Deployment.status == DeploymentStatus.ACTIVE,
    )
    return db.session.scalar(query) is not None


def _was_launched_since(platform: Platform, moment: datetime) -> bool:
    staff = select(func.max(Deployment.launched_at)).where(Deployment.platform_id == platform.id)
    newest = db.session.scalar(staff)
    if newest is not None and newest > moment:
        return True
    learners = (
        select(Launch.id)
        .join(Registration, Registration.id == Launch.registration_id)
        .join(ResourceLink, ResourceLink.id == Registration.resource_link_id)
        .join(Deployment, Deployment.id == ResourceLink.deployment_id)
        .where(Launch.launched_at > moment, Deployment.platform_id == platform.id)
    )
    return db.session.scalar(learners.limit(1)) is not None


def _is_meant(rows: list[RefusedLaunch], platforms: list[Platform]) -> bool:
    """Tell whether launches of an unknown LMS are more than an accident."""
    many = sum(row.count for row in rows) >= STRANGERS_AT_LEAST
    return many or any(near_miss(row, platforms) for row in rows)


def _refusals(
    code: str, platform_id: int | None, rows: list[RefusedLaunch], platforms: list[Platform]
) -> Problem:
    rejection = get_rejection(code)
    name = next((one.name for one in platforms if one.id == platform_id), None)
    where = f" of {name}" if name else ""
    nearly = [said for row in rows if (said := near_miss(row, platforms))]
    count = sum(row.count for row in rows)
    return Problem(
        kind=ProblemKind.REFUSED_LAUNCH,
        subject=platform_subject(platform_id) if platform_id else LAUNCHES,
        cause=code,
        what=f"{counted(count, 'launch', 'launches')}{where} refused: "
        f"{rejection.title[:1].lower()}{rejection.title[1:]}",
        detail=" ".join([rejection.happened, *nearly[-1:]]),
        since=min(row.first_at for row in rows),
        who=_WHO[rejection.who],
        how=rejection.advice,
        serious=rejection.who != rejections.TEACHER,
        platform_id=platform_id,
        row_id=platform_id,
    )


def _pending(platforms: dict[int, Platform]) -> Iterator[Problem]:
    query = (
        select(Deployment)
        .where(Deployment.status == DeploymentStatus.PENDING)
        .order_by(Deployment.id)
    )
    for row in db.session.scalars(query):
        platform = platforms.get(row.platform_id)
        if platform is not None and platform.disabled_at is None:
            yield Problem(
                kind=ProblemKind.PENDING,
                subject=f"deployment {row.id}",
                what=f"Installation {row.deployment_id} of {platform.name} waits for approval",
                detail="Its launches are refused.",
                since=row.created_at,
                who=OWNER,
                how="Is it yours? Look at it, and approve it.",
                serious=False,
                platform_id=platform.id,
                row_id=platform.id,
            )


def _missing(platform: Platform) -> Iterator[Problem]:
    for one in missing_grants_at(platform):
        yield Problem(
            kind=ProblemKind.GRANTS,
            subject=platform_subject(platform.id),
            cause=one.what,
            what=f"{platform.name} has not granted the {one.what}",
            detail=f"{one.loss[:1].upper()}{one.loss[1:]}.",
            since=None,
            who=ADMIN,
            how=one.how,
            serious=False,
            platform_id=platform.id,
            row_id=platform.id,
        )


def forget_refusals(code: str, platform: Platform | None, platforms: Iterable[Platform]) -> int:
    """Delete the rows of a kind of refused launch, which a user marks as fixed.

    Returns the number of rows. Runs in the caller's transaction.
    """
    known, count = list(platforms), 0
    for row in db.session.scalars(select(RefusedLaunch).where(RefusedLaunch.code == code)):
        if platform_of(row, known) == platform:
            db.session.delete(row)
            count += 1
    return count
