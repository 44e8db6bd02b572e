"""Gradebook cells in quantity: one learner each, on platforms that are made when missing."""

from datetime import datetime

from lti_bridge.core.db import db
from lti_bridge.registrations.models import Grade, Learner, ResourceLink
from tests.rows import make_deployment, make_platform


def add_cell(at: datetime, sub: str = "user-7", issuer: str = "https://lms.example") -> Grade:
    """Add one learner's cell in the only link of a platform. Commits."""
    link = db.session.query(ResourceLink).filter_by(title=issuer).first() or _make_link(at, issuer)
    platform = link.deployment.platform
    learner = Learner(
        platform=platform,
        platform_identity=platform.identity,
        sub=sub,
        scorm_learner_id=f"learner-{sub}",
        created_at=at,
    )
    grade = Grade(resource_link=link, learner=learner, platform=platform)
    db.session.add(grade)
    db.session.commit()
    return grade


def _make_link(at: datetime, issuer: str) -> ResourceLink:
    deployment = make_deployment(make_platform(at, issuer))
    return ResourceLink(
        deployment=deployment,
        deployment_identity=deployment.identity,
        resource_link_id="link-1",
        title=issuer,
        service_scopes=None,
        created_at=at,
        launched_at=at,
    )
