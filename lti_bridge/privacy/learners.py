"""Find a learner, and count the rows stored about them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from ..core.db import Base, db
from ..core.errors import ConfigurationError
from ..core.plain_text import full_name
from ..passback.models import Score, ScoreTry
from ..people.models import ConsoleGrant, ConsoleSession
from ..platforms.models import Platform
from ..registrations.models import (
    Grade,
    Launch,
    Learner,
    Registration,
    ResourceLink,
    StaffVisit,
    TrailEvent,
)

AT_MOST = 50


@dataclass(frozen=True)
class FoundLearner:
    """One learner in a list; names are empty where none is stored."""

    learner_id: int
    platform_id: int
    platform_name: str
    sub: str
    scorm_learner_id: str
    name: str
    email: str
    registrations: int
    launched_at: datetime | None


@dataclass(frozen=True)
class Holdings:
    """One learner's identity, and the number of rows of each kind."""

    learner: FoundLearner
    counts: dict[str, int]


def find_learners(
    text: str,
    *,
    course: str = "",
    platform_id: int | None = None,
    deployment_id: int | None = None,
    at_most: int = AT_MOST,
) -> list[FoundLearner]:
    """Return learners whose name or email contains `text`, or whose id it is.

    An id is the user id on the platform, SCORM Cloud's learner id or a registration id, searched
    first and by index. `course` limits the result to activities whose title or LMS course contains
    it, or with this SCORM Cloud course id; alone, it finds all learners, newest first. Reads in the
    caller's transaction.
    """
    text, course = text.strip(), course.strip()
    if not (text or course):
        return []
    limit = [] if platform_id is None else [Learner.platform_id == platform_id]
    if deployment_id is not None:
        limit.append(_in_links(ResourceLink.deployment_id == deployment_id))
    if course:
        limit.append(_in_links(_named(course)))
    ids: list[int] = []
    if text:
        ids = list(db.session.scalars(_by_id(text).where(*limit).limit(at_most)))
    if not ids:
        ids = list(db.session.scalars(_by_name(text).where(*limit).limit(at_most)))
    return list(_found(Learner.id.in_(ids))) if ids else []


def _in_links(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    links = select(ResourceLink.id).where(condition)
    return Learner.id.in_(select(Grade.learner_id).where(Grade.resource_link_id.in_(links)))


def _named(course: str) -> ColumnElement[bool]:
    titles = (ResourceLink.title, ResourceLink.context_title)
    ids = (
        ResourceLink.override_course,
        ResourceLink.custom_course,
        ResourceLink.remembered_course,
    )
    return or_(
        *(title.icontains(course, autoescape=True) for title in titles),
        *(course_id == course for course_id in ids),
    )


def get_learner(learner_id: int) -> FoundLearner:
    """Return one learner; raises ConfigurationError when there is none of this number."""
    found = next(_found(Learner.id == learner_id), None)
    if found is None:
        raise ConfigurationError(f"there is no learner {learner_id}: `lti-bridge learner find`")
    return found


def preview(learner_id: int) -> Holdings:
    """Count a learner's rows; raises ConfigurationError when there is no such learner.

    Reads in the caller's transaction.
    """
    learner = get_learner(learner_id)
    counts = {
        kind: db.session.scalar(select(func.count()).select_from(model).where(condition)) or 0
        for kind, (model, condition) in kinds_of(learner).items()
    }
    return Holdings(learner, counts)


def kinds_of(learner: FoundLearner) -> dict[str, tuple[type[Base], ColumnElement[bool]]]:
    """Return every kind of row that belongs to a learner, in a valid order of deletion."""
    registrations = select(Registration.id).where(Registration.learner_id == learner.learner_id)
    grades = select(Grade.id).where(Grade.learner_id == learner.learner_id)
    scores = select(Score.id).where(Score.grade_id.in_(grades))
    grants = select(ConsoleGrant.id).where(_grant_of(learner))
    return {
        "tries": (ScoreTry, ScoreTry.score_id.in_(scores)),
        "scores": (Score, Score.grade_id.in_(grades)),
        "trail": (TrailEvent, TrailEvent.registration_id.in_(registrations)),
        "launches": (Launch, Launch.registration_id.in_(registrations)),
        "registrations": (Registration, Registration.learner_id == learner.learner_id),
        "grades": (Grade, Grade.learner_id == learner.learner_id),
        "staff visits": (StaffVisit, _visit_of(learner)),
        "console sessions": (ConsoleSession, ConsoleSession.grant_id.in_(grants)),
        "console grants": (ConsoleGrant, _grant_of(learner)),
        "learner": (Learner, Learner.id == learner.learner_id),
    }


def _grant_of(learner: FoundLearner) -> ColumnElement[bool]:
    return and_(ConsoleGrant.platform_id == learner.platform_id, ConsoleGrant.sub == learner.sub)


def _visit_of(learner: FoundLearner) -> ColumnElement[bool]:
    # By the learner's row: a successor platform keeps the identity of its predecessor.
    identity = select(Learner.platform_identity).where(Learner.id == learner.learner_id)
    return and_(
        StaffVisit.platform_identity == identity.scalar_subquery(), StaffVisit.sub == learner.sub
    )


def _by_id(text: str) -> Select[Any]:
    registration = select(Registration.learner_id).where(
        Registration.registration_id == text.lower()
    )
    # The index is (platform identity, sub), so the query names every platform.
    identities = select(Platform.identity)
    by_sub = select(Learner.id).where(
        Learner.platform_identity.in_(identities), Learner.sub == text
    )
    by_scorm_id = select(Learner.id).where(Learner.scorm_learner_id == text.lower())
    return select(Learner.id).where(Learner.id.in_(by_sub.union(by_scorm_id, registration)))


def _by_name(text: str) -> Select[Any]:
    if not text:  # a course is given
        return select(Learner.id).order_by(Learner.id.desc())
    whole = func.coalesce(Learner.first_name, "") + " " + func.coalesce(Learner.last_name, "")
    return (
        select(Learner.id)
        .where(or_(whole.icontains(text, autoescape=True), _email(text)))
        .order_by(Learner.id)
    )


def _email(text: str) -> ColumnElement[bool]:
    return Learner.email.icontains(text, autoescape=True)


def _found(condition: ColumnElement[bool]) -> Iterator[FoundLearner]:
    query = (
        select(Learner, Platform.name)
        .join(Platform, Platform.id == Learner.platform_id)
        .where(condition)
        .order_by(Learner.last_name, Learner.first_name, Learner.id)
    )
    for row, platform_name in db.session.execute(query).all():
        registrations, launched_at = db.session.execute(
            select(func.count(), func.max(Registration.launched_at)).where(
                Registration.learner_id == row.id
            )
        ).one()
        yield FoundLearner(
            learner_id=row.id,
            platform_id=row.platform_id,
            platform_name=platform_name,
            sub=row.sub,
            scorm_learner_id=row.scorm_learner_id,
            name=full_name(row.first_name, row.last_name),
            email=row.email or "",
            registrations=registrations,
            launched_at=launched_at,
        )
