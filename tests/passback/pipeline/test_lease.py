"""The lease: one holder, a lease that ends, a fence, and a finish that loses no wake-up."""

from datetime import timedelta
from typing import Any

import pytest

from lti_bridge.core.db import db
from lti_bridge.core.leases import LeaseLost
from lti_bridge.passback.pipeline.lease import GradeLease, Return, give_back, hold, take_lease
from lti_bridge.registrations.grade_updates import mark_due, send_now
from lti_bridge.registrations.models import Grade
from lti_bridge.services import Services
from tests.conftest import FakeClock
from tests.passback.cells import add_cell

LEASE_SECONDS = 60


def finish(services: Services, lease: GradeLease, **changes: Any) -> bool:
    """Give a grade back with nothing due, but for what is said."""
    planned: dict[str, Any] = {
        "next_read_at": None,
        "next_send_at": lease.next_send_at,
        "not_before": None,
        "values": {},
        "answered": {},
    }
    moved = give_back(services, lease, Return(**(planned | changes)))
    db.session.commit()
    return moved


@pytest.fixture
def grade_id(services: Services, clock: FakeClock) -> int:
    """A grade whose read is due."""
    grade = add_cell(clock())
    mark_due(grade.id, "read", clock())
    db.session.commit()
    return grade.id


def reread(grade_id: int) -> Grade:
    grade = db.session.get_one(Grade, grade_id, populate_existing=True)
    db.session.commit()
    return grade


def test_only_one_worker_gets_a_due_grade(services: Services, grade_id: int) -> None:
    first = take_lease(services, grade_id)

    second = take_lease(services, grade_id)

    assert first is not None
    assert (first.read_due, first.send_due) == (True, False)
    assert second is None


def test_grade_that_is_not_due_is_not_claimed(services: Services, clock: FakeClock) -> None:
    grade = add_cell(clock())
    mark_due(grade.id, "send", clock() + timedelta(seconds=5))
    db.session.commit()

    early = take_lease(services, grade.id)
    clock.advance(5)
    in_time = take_lease(services, grade.id)

    assert early is None
    assert in_time is not None
    assert (in_time.read_due, in_time.send_due) == (False, True)


def test_lease_that_ran_out_is_taken_over_and_fences(
    services: Services, clock: FakeClock, grade_id: int
) -> None:
    slow = take_lease(services, grade_id)
    assert slow is not None
    clock.advance(LEASE_SECONDS)
    quick = take_lease(services, grade_id)
    db.session.commit()

    with pytest.raises(LeaseLost):
        hold(services, slow)

    assert quick is not None
    hold(services, quick)
    db.session.commit()
    assert reread(grade_id).lease_token == quick.token


def test_fenced_worker_writes_nothing(services: Services, clock: FakeClock, grade_id: int) -> None:
    slow = take_lease(services, grade_id)
    assert slow is not None
    clock.advance(LEASE_SECONDS)
    quick = take_lease(services, grade_id)
    assert quick is not None

    db.session.commit()
    with pytest.raises(LeaseLost):
        finish(services, slow, values={"decision": "send"})

    kept = reread(grade_id)
    assert (kept.lease_token, kept.decision) == (quick.token, None)
    assert kept.next_read_at is not None


def test_other_writes_fall_with_the_claim(
    services: Services, clock: FakeClock, grade_id: int
) -> None:
    slow = take_lease(services, grade_id)
    assert slow is not None
    db.session.commit()
    clock.advance(LEASE_SECONDS)
    assert take_lease(services, grade_id) is not None
    db.session.commit()

    db.session.get_one(Grade, grade_id).decision_reason = "written by the slow one"
    with pytest.raises(LeaseLost):
        finish(services, slow)

    assert reread(grade_id).decision_reason is None


def test_hold_extends_past_the_call(services: Services, clock: FakeClock, grade_id: int) -> None:
    lease = take_lease(services, grade_id)
    assert lease is not None
    clock.advance(50)

    hold(services, lease, call_seconds=100)
    db.session.commit()

    assert reread(grade_id).lease_until == clock() + timedelta(seconds=110)


def test_finish_frees_the_lease_with_the_next_look(
    services: Services, clock: FakeClock, grade_id: int
) -> None:
    lease = take_lease(services, grade_id)
    assert lease is not None
    following = clock() + timedelta(hours=1)

    assert not finish(services, lease, next_read_at=following)

    kept = reread(grade_id)
    assert (kept.lease_token, kept.lease_until) == (None, None)
    assert kept.next_read_at == following


def test_wake_up_during_the_work_is_not_lost(
    services: Services, clock: FakeClock, grade_id: int
) -> None:
    lease = take_lease(services, grade_id)
    assert lease is not None
    clock.advance(1)
    mark_due(grade_id, "read", clock())
    db.session.commit()

    assert finish(services, lease)

    kept = reread(grade_id)
    assert kept.next_read_at is not None
    assert kept.next_send_at == clock()
    assert take_lease(services, grade_id) is not None


def test_wake_up_never_shortens_what_the_lms_asked_for(
    services: Services, clock: FakeClock, grade_id: int
) -> None:
    lease = take_lease(services, grade_id)
    assert lease is not None
    mark_due(grade_id, "send", clock())
    db.session.commit()
    imposed = clock() + timedelta(seconds=90)

    finish(services, lease, next_send_at=imposed, not_before=imposed)

    assert reread(grade_id).next_send_at == imposed


@pytest.mark.parametrize("asked_again", [False, True], ids=["asked once", "asked again"])
def test_wish_that_came_meanwhile_is_not_forgotten(
    services: Services, clock: FakeClock, grade_id: int, asked_again: bool
) -> None:
    send_now(Grade.id == grade_id, clock(), resend="asked")
    lease = take_lease(services, grade_id)
    assert lease is not None
    if asked_again:
        send_now(Grade.id == grade_id, clock(), resend="asked")

    hold(services, lease, answered={"resend": None})
    finish(services, lease, answered={"resend": None})

    assert reread(grade_id).resend == ("asked" if asked_again else None)


def test_mark_due_never_delays(services: Services, clock: FakeClock, grade_id: int) -> None:
    due_at = reread(grade_id).next_read_at

    mark_due(grade_id, "read", clock() + timedelta(hours=1))
    db.session.commit()

    assert reread(grade_id).next_read_at == due_at
    assert reread(grade_id).generation == 2
