"""A thousand parked scores of one LMS may be tried at once: neither it nor the others feel that."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import ColumnElement, func, select, update

from lti_bridge.core.db import db
from lti_bridge.passback.models import Score
from lti_bridge.passback.pipeline.job import work_grade
from lti_bridge.passback.pipeline.throttle import PlatformGate
from lti_bridge.passback.triggers.overdue import run_overdue_round
from lti_bridge.platforms.keys import ensure_keys
from lti_bridge.platforms.models import Deployment, Platform
from lti_bridge.registrations.grade_updates import wake_all_for_event
from lti_bridge.registrations.models import Grade, ResourceLink
from lti_bridge.services import Services
from tests.benchmarks.backlog import add_finished
from tests.conftest import FakeClock
from tests.mini_platform import Asked, MiniPlatform, Reply
from tests.rows import add_link, add_registration
from tests.story.town import Jobs

PARKED, OTHERS, A_MINUTE = 1000, 5, 120
ROUND_SECONDS = 5

pytestmark = pytest.mark.deep("a thousand scores, one after another")


class Throttled:
    """An LMS that takes so many scores a minute, and says when to come back."""

    def __init__(self, platform: MiniPlatform, clock: FakeClock) -> None:
        self._clock, self._start = clock, clock()
        self.taken: Counter[int] = Counter()
        self.refused: Counter[int] = Counter()
        platform.routes["POST", "/items/1/scores"] = self._take
        platform.routes["GET", "/items/1/results"] = Reply(body=[])
        platform.routes["POST", "/items/2/scores"] = Reply()
        platform.routes["GET", "/items/2/results"] = Reply(body=[])

    def _take(self, _: Asked) -> Reply:
        minute, second = divmod((self._clock() - self._start).total_seconds(), 60)
        if self.taken[int(minute)] >= A_MINUTE:
            self.refused[int(minute)] += 1
            return Reply(429, headers={"Retry-After": str(int(60 - second) + 1)})
        self.taken[int(minute)] += 1
        return Reply()


def add_platform(platform: Platform, at: datetime) -> Platform:
    """Add another platform like this one, with a deployment. Commits."""
    facts = {
        column.name: getattr(platform, column.name)
        for column in Platform.__table__.columns
        if column.name != "id"
    }
    other = Platform(**facts | {"identity": "other", "client_id": "client-2", "name": "College"})
    db.session.add(
        Deployment(
            platform=other, deployment_id="2", identity="other", status="active", created_at=at
        )
    )
    db.session.commit()
    return other


def park(condition: ColumnElement[bool], at: datetime) -> None:
    """Let the delivered scores of a link be parked long ago."""
    grades = select(Grade.id).where(condition)
    db.session.execute(
        update(Score).where(Score.grade_id.in_(grades)).values(state="parked", timestamp=None)
    )
    db.session.execute(
        update(Grade).where(Grade.id.in_(grades)).values(parked_at=at, next_send_at=at + WEEK)
    )
    db.session.commit()


WEEK = timedelta(days=7)


def arrived(link: int) -> int:
    query = select(func.count()).select_from(Score).join(Grade, Grade.id == Score.grade_id)
    mine = query.where(Grade.resource_link_id == link, Score.state == "accepted")
    found = db.session.scalar(mine) or 0
    db.session.rollback()
    return found


def test_storm_keeps_to_the_limit_and_others_are_not_late(
    app: Flask, services: Services, clock: FakeClock, platform: MiniPlatform
) -> None:
    lms, jobs = Throttled(platform, clock), Jobs()
    queue: Any = jobs
    services = replace(services, queue=queue)
    gate: PlatformGate = app.extensions["platform_gate"]
    ensure_keys(services.signer, now=clock())
    school = add_link(clock(), line_item_url=f"{platform.url}/items/1")
    school.deployment.platform.token_url = f"{platform.url}/token"
    school.deployment.platform.dialect = "canvas"
    add_registration(clock(), school)
    add_finished(school.id, PARKED, clock(), due=False)
    mine = Grade.resource_link_id == school.id
    park(mine, clock())
    clock.advance(3600)
    other = add_platform(school.deployment.platform, clock())
    deployment = db.session.scalars(select(Deployment).where(Deployment.platform == other)).one()
    college = ResourceLink(
        deployment=deployment,
        deployment_identity="other",
        resource_link_id="college",
        custom_course="bench",
        line_item_url=f"{platform.url}/items/2",
        service_scopes=None,
        created_at=clock(),
        launched_at=clock(),
    )
    db.session.add(college)
    db.session.commit()
    college_id, school_id = college.id, school.id
    add_finished(college_id, OTHERS, clock(), due=True)
    began = clock()

    wake_all_for_event(Grade.platform_id == school.deployment.platform_id, clock())
    db.session.commit()
    others_done_after = None
    while arrived(school_id) < PARKED and clock() - began < timedelta(hours=1):
        run_overdue_round(services, lambda _: None)
        while jobs.waiting:
            work_grade(services, gate, jobs.waiting.pop(0))
        if others_done_after is None and arrived(college_id) == OTHERS:
            others_done_after = (clock() - began).total_seconds()
        clock.advance(ROUND_SECONDS)

    assert arrived(school_id) == PARKED
    assert others_done_after == 0
    assert max(lms.taken.values()) <= A_MINUTE
    # What a pause costs is the one post that learns of it.
    assert max(lms.refused.values()) <= 1
    minutes = (clock() - began).total_seconds() / 60
    print(f"{PARKED} scores in {minutes:.1f} minutes, {sum(lms.refused.values())} refused posts")
    assert minutes <= PARKED / A_MINUTE + 2
