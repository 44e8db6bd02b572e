"""Grades that do not reach the gradebook, as rows."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from lti_bridge.core.db import db
from lti_bridge.passback.models import Score
from lti_bridge.platforms.models import Platform
from lti_bridge.registrations.models import Grade, Learner, ResourceLink
from tests.rows import add_link
from tests.world import World


def add_stuck(
    world: World,
    sub: str,
    *,
    state: str = "parked",
    reason: str = "The column is gone.",
    platform: Platform | None = None,
    link: ResourceLink | None = None,
    since: datetime | None = None,
    standing: str | None = None,
    **grade: Any,
) -> Grade:
    """Add a learner, in an activity of their own or of others, whose score waits. Commits.

    `reason` is kept where the pipeline keeps it: with a parked score, or with a waiting grade.
    """
    now = since or world.services.now()
    known = platform or db.session.scalars(select(Platform).order_by(Platform.id)).first()
    assert known is not None
    if link is None:
        link = add_link(now, f"link-{sub}")
        link.deployment = known.deployments[0]
    learner = Learner(
        platform=known,
        platform_identity=known.identity,
        sub=sub,
        scorm_learner_id=sub,
        created_at=now,
    )
    if state == "queued":
        grade |= {"decision_reason": reason}
    if state == "parked":
        grade = {"parked_at": now} | grade
    row = Grade(resource_link=link, learner=learner, platform=known, **grade)
    db.session.add(row)
    db.session.flush()
    score = Score(
        grade_id=row.id,
        sequence=1,
        attempt=1,
        course_id="golf",
        inferred=False,
        score_given=80,
        state=state,
        reason=reason,
        decided_at=now,
        standing=standing,
    )
    db.session.add(score)
    db.session.commit()
    return row
