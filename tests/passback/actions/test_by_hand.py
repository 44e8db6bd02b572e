"""What a person does with a grade says what happens next."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from lti_bridge.core.clock import say_time
from lti_bridge.core.db import db
from lti_bridge.passback.actions import by_hand
from lti_bridge.passback.learner_state import DECIDED_ANEW, SOON
from lti_bridge.passback.pipeline.find_line_item import NONE_YET
from lti_bridge.passback.pipeline.send_score import RESTS
from lti_bridge.passback.rules.plan import NOT_GRANTED
from lti_bridge.passback.rules.reasons import PAUSED, RESTS_UNTIL
from lti_bridge.platforms.models import Platform
from lti_bridge.registrations.models import Grade, ResourceLink
from tests.rows import add_grade, add_link, add_registration, add_try

AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def grade(services: Any) -> Grade:
    """Alice's grade, with a score that waits."""
    registration = add_registration(AT, add_link(AT))
    grade = add_grade(AT, registration)
    add_try(AT, registration, grade)
    return grade


def _wait_for_column(_: datetime) -> str:
    db.session.execute(update(Grade).values(waits_for_line_item=True, decision_reason=NONE_YET))
    return NONE_YET


def _withhold(_: datetime) -> str:
    db.session.execute(update(ResourceLink).values(service_scopes=[]))
    return NOT_GRANTED


def _pause(until: datetime) -> str:
    db.session.execute(update(Platform).values(paused_until=until))
    return PAUSED.fill(until=say_time(until))


def _rest(until: datetime) -> str:
    db.session.execute(update(Grade).values(next_send_at=until, decision_reason=RESTS))
    return RESTS_UNTIL.fill(until=say_time(until))


@pytest.mark.parametrize("act", [by_hand.resend, by_hand.retry_now], ids=["resend", "retry"])
@pytest.mark.parametrize("wait", [_wait_for_column, _withhold, _pause, _rest])
def test_says_what_it_waits_for(
    services: Any,
    grade: Grade,
    act: Callable[[Any, int, str], str],
    wait: Callable[[datetime], str],
) -> None:
    said = wait(services.now() + timedelta(minutes=5))
    db.session.commit()
    db.session.expire_all()

    assert act(services, grade.id, "Ida") == said


def test_says_that_it_is_sent_in_a_moment(services: Any, grade: Grade) -> None:
    assert by_hand.retry_now(services, grade.id, "Ida") == SOON
    assert by_hand.resend(services, grade.id, "Ida") == DECIDED_ANEW
