"""A list of the LMS that was read in part decides nothing."""

from datetime import timedelta

import pytest
from flask import Flask

from lti_bridge.core.db import db
from lti_bridge.core.errors import Unavailable
from lti_bridge.passback.models import Score
from lti_bridge.passback.pipeline.job import work_grade
from lti_bridge.passback.triggers.reconcile import reconcile_link
from lti_bridge.platforms.keys import ensure_keys
from lti_bridge.registrations.models import Grade
from lti_bridge.services import Services
from tests.conftest import FakeClock
from tests.mini_platform import MiniPlatform, Reply
from tests.rows import add_due_grade, add_link, add_registration
from tests.world import count

ELSEWHERE = {"Link": '<https://elsewhere.example/more>; rel="next"'}


@pytest.fixture
def grade(services: Services, clock: FakeClock, platform: MiniPlatform) -> Grade:
    """A finished course's grade that is due, in a link whose line item must be looked up."""
    platform.routes["POST", "/items/1/scores"] = Reply()
    platform.routes["GET", "/items/1/results"] = Reply(body=[])
    ensure_keys(services.signer, now=clock())
    link = add_link(clock(), line_item_url=None)
    link.line_items_url = f"{platform.url}/items"
    link.deployment.platform.token_url = f"{platform.url}/token"
    return add_due_grade(clock(), add_registration(clock(), link))


def items_of(platform: MiniPlatform, grade: Grade, **more: dict[str, str]) -> Reply:
    link = grade.resource_link
    entry = {"id": f"{platform.url}/items/1", "resourceLinkId": link.resource_link_id}
    return Reply(body=[entry], **more)


def test_line_item_is_asked_for_again(
    app: Flask, services: Services, clock: FakeClock, platform: MiniPlatform, grade: Grade
) -> None:
    gate = app.extensions["platform_gate"]
    platform.routes["GET", "/items"] = items_of(platform, grade, headers=ELSEWHERE)
    work_grade(services, gate, grade.id)

    waiting = db.session.get_one(Grade, grade.id, populate_existing=True)
    assert waiting.next_send_at == clock() + timedelta(seconds=30)
    assert platform.requests_to("/items/1/scores") == []
    db.session.commit()
    platform.routes["GET", "/items"] = items_of(platform, grade)
    clock.advance(60)
    work_grade(services, gate, grade.id)

    assert len(platform.requests_to("/items/1/scores")) == 1


def test_column_read_in_part_loses_nothing(
    app: Flask, services: Services, clock: FakeClock, platform: MiniPlatform, grade: Grade
) -> None:
    """A missing learner may be on the page that was not read."""
    platform.routes["GET", "/items"] = items_of(platform, grade)
    work_grade(services, app.extensions["platform_gate"], grade.id)
    platform.routes["GET", "/items/1/results"] = Reply(body=[], headers=ELSEWHERE)

    with pytest.raises(Unavailable):
        reconcile_link(services, grade.resource_link_id)

    db.session.rollback()
    kept = db.session.get_one(Grade, grade.id, populate_existing=True)
    assert (kept.resend, kept.next_send_at, count(Score)) == (None, None, 1)
