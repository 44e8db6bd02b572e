"""One learner's rows, as launches and workers would leave them."""

from datetime import datetime, timedelta
from typing import Any

from lti_bridge.core.db import db
from lti_bridge.passback.models import Score, ScoreTry
from lti_bridge.platforms.identity import deployment_identity, platform_identity
from lti_bridge.platforms.models import Deployment, Platform, ScormAccount
from lti_bridge.registrations.grade_updates import mark_due
from lti_bridge.registrations.models import (
    Grade,
    Launch,
    Learner,
    Registration,
    ResourceLink,
    TrailEvent,
)
from lti_bridge.scorm_cloud.progress import Completion, Success

REGISTRATION_ID = "dea0b646-1d62-5d1f-93ba-9e3f4ef9f06c"


def make_platform(
    at: datetime, issuer: str = "https://lms.example", name: str = "School"
) -> Platform:
    """Return a Moodle that was connected at `at`; not yet in the session."""
    return Platform(
        identity=platform_identity(issuer, "client-1"),
        name=name,
        issuer=issuer,
        client_id="client-1",
        authorization_url=f"{issuer}/auth",
        token_url=f"{issuer}/token",
        jwks_url=f"{issuer}/jwks",
        dialect="moodle",
        privacy="named",
        frame_origins=[],
        created_at=at,
    )


def make_deployment(
    platform: Platform, deployment_id: str = "1", status: str = "active"
) -> Deployment:
    """Return a deployment that came with its platform; not yet in the session."""
    return Deployment(
        platform=platform,
        deployment_id=deployment_id,
        identity=deployment_identity(platform.identity, deployment_id),
        status=status,
        created_at=platform.created_at,
    )


def add_link(at: datetime, lms_id: str = "link-1", **values: Any) -> ResourceLink:
    """Add a resource link, with its platform when that is not there yet. Commits."""
    deployment = db.session.query(Deployment).first() or make_deployment(make_platform(at))
    facts: dict[str, Any] = {
        "title": "Fire safety",
        "context_title": "Workplace safety",
        "custom_course": "fire",
        "line_item_url": "https://lms.example/items/1",
        "service_scopes": None,
        "created_at": at,
        "launched_at": at,
    }
    row = ResourceLink(
        deployment=deployment,
        deployment_identity=deployment.identity,
        resource_link_id=lms_id,
        **(facts | values),
    )
    db.session.add(row)
    db.session.commit()
    return row


def add_registration(at: datetime, link: ResourceLink) -> Registration:
    """Add a finished registration of Alice, not yet graded. Commits."""
    platform = link.deployment.platform
    row = Registration(
        registration_id=REGISTRATION_ID,
        resource_link=link,
        learner=Learner(
            platform=platform,
            platform_identity=platform.identity,
            sub="user-7",
            scorm_learner_id="5f0c2b9e-0000-4000-8000-000000000001",
            first_name="Alice",
            last_name="Andersen",
            created_at=at,
        ),
        account=ScormAccount(
            name="default",
            base_url="https://cloud.example/api/v2",
            app_id="app",
            secret_encrypted="x",
            created_at=at,
        ),
        course_id="fire",
        attempt=1,
        opened_at=at,
        completion=Completion.COMPLETED,
        success=Success.PASSED,
        score_scaled=85.5,
        progress_asked_at=at + timedelta(seconds=60),
    )
    db.session.add(row)
    db.session.commit()
    return row


def add_grade(at: datetime, row: Registration, **values: Any) -> Grade:
    """Add the gradebook cell of a registration. Commits."""
    grade = Grade(
        resource_link=row.resource_link,
        learner=row.learner,
        platform=row.learner.platform,
        **values,
    )
    db.session.add(grade)
    db.session.commit()
    return grade


def add_launch(at: datetime, row: Registration, **values: Any) -> Launch:
    """Add one click. Commits."""
    launch = Launch(
        registration=row,
        launched_at=at,
        cookie_rung="cookie",
        correlation_id="c",
        known_completion=Completion.UNKNOWN,
        known_success=Success.UNKNOWN,
        **values,
    )
    db.session.add(launch)
    db.session.commit()
    return launch


def add_event(at: datetime, row: Registration, text: str) -> None:
    """Add a line of the trail. Commits."""
    db.session.add(TrailEvent(registration_id=row.id, at=at, kind="test", text=text))
    db.session.commit()


def add_try(at: datetime, row: Registration, grade: Grade, **values: Any) -> None:
    """Add one try of a score of 85.5. Commits."""
    score = db.session.query(Score).first() or Score(
        grade=grade,
        sequence=1,
        registration=row,
        attempt=1,
        course_id="fire",
        inferred=False,
        score_given=85.5,
        state="queued",
        reason="The course reported a score of 85.5.",
        decided_at=at,
    )
    db.session.add(score)
    db.session.flush()
    db.session.add(ScoreTry(score_id=score.id, tried_at=at, **values))
    db.session.commit()


def add_due_grade(at: datetime, registration: Registration) -> Grade:
    """Add the grade of a finished course, due to be sent. Commits."""
    registration.created_at = registration.launched_at = at
    add_launch(at, registration, exited_at=at, settled_at=at)
    grade = add_grade(at, registration)
    mark_due(grade.id, "send", at)
    db.session.commit()
    return grade
