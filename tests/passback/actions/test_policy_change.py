"""Another grading policy: what it changes is told first, and made due with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event, select, update

from lti_bridge.core.db import db
from lti_bridge.passback.actions.policy_change import (
    change_platform_policy,
    preview_platform_policy,
    preview_policy,
)
from lti_bridge.passback.models import Score
from lti_bridge.passback.pipeline.snapshot import load_snapshot, load_snapshots
from lti_bridge.platforms.models import Platform
from lti_bridge.registrations.models import Grade, Learner, Registration, ResourceLink
from tests.rows import add_grade, add_launch, add_link, add_registration, make_platform

AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def add_class(link: ResourceLink, count: int) -> None:
    """Learners whose best result was 90, which was sent, and whose newest is 40. Commits."""
    first = db.session.scalars(select(Registration)).first() or add_registration(AT, link)
    platform, made = link.deployment.platform, []
    for number in range(count):
        sub = f"{link.resource_link_id}-{number}"
        learner = Learner(
            platform=platform,
            platform_identity=platform.identity,
            sub=sub,
            scorm_learner_id=sub,
            first_name="Learner",
            last_name=str(number),
            created_at=AT,
        )
        registration = Registration(
            registration_id=sub,
            resource_link=link,
            learner=learner,
            account=first.account,
            course_id="fire",
            attempt=1,
            opened_at=AT,
            created_at=AT,
            launched_at=AT,
            completion="COMPLETED",
            success="PASSED",
            score_scaled=40.0,
            best_real_score=90.0,
        )
        score = Score(
            grade=Grade(resource_link=link, learner=learner, platform=platform),
            sequence=1,
            registration=registration,
            attempt=1,
            course_id="fire",
            inferred=False,
            score_given=90.0,
            state="accepted",
            reason="",
            decided_at=AT,
            finished_at=AT,
        )
        made.append(score)
    db.session.add_all(made)
    db.session.commit()


@pytest.fixture
def platform(services: Any) -> Platform:
    """A platform with an activity of three learners, and one that has a policy of its own."""
    add_class(add_link(AT), 3)
    add_class(add_link(AT, "link-2", grading_policy={"answer": "best"}), 2)
    return db.session.scalars(select(Platform)).one()


def due() -> list[str]:
    """The users whose grades are due."""
    query = select(Learner.sub).join(Grade, Grade.learner_id == Learner.id)
    found = db.session.scalars(query.where(Grade.next_send_at.is_not(None)).order_by(Learner.id))
    return list(found)


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield statements
    event.remove(db.engine, "before_cursor_execute", note)


def test_platform_s_policy_tells_what_it_changes(services: Any, platform: Platform) -> None:
    same = preview_platform_policy(services, platform, {"answer": "best"})
    changed = preview_platform_policy(services, platform, {"answer": "latest"})

    assert same == []
    assert [(one.name, one.activity, one.before, one.after) for one in changed] == [
        (f"Learner {number}", "Fire safety", 90, 40) for number in range(3)
    ]


def test_platform_s_policy_makes_due_what_it_changes(services: Any, platform: Platform) -> None:
    assert change_platform_policy(services, platform, {"answer": "latest"}) == 3

    assert due() == ["link-1-0", "link-1-1", "link-1-2"]
    assert db.session.scalars(select(Platform.grading_policy)).one() == {"answer": "latest"}


def test_part_that_an_activity_leaves_open_counts_there_too(
    services: Any, platform: Platform
) -> None:
    assert change_platform_policy(services, platform, {"partial": "send"}) == 5


def test_other_parts_of_the_policy_stay(services: Any, platform: Platform) -> None:
    change_platform_policy(services, platform, {"answer": "first"})
    change_platform_policy(services, platform, {"teacher_grade": "replace"})
    before = dict(platform.grading_policy or {})

    change_platform_policy(services, platform, {"answer": None})

    assert before == {"answer": "first", "teacher_grade": "replace"}
    db.session.expire_all()
    assert platform.grading_policy == {"teacher_grade": "replace"}


def test_unchanged_policy_makes_nothing_due(services: Any, platform: Platform) -> None:
    assert change_platform_policy(services, platform, {"answer": "best"}) == 0

    assert due() == []


def test_other_platforms_are_left_alone(services: Any, platform: Platform) -> None:
    other = make_platform(AT, "https://other.example", "Other")
    db.session.add(other)
    db.session.commit()

    assert change_platform_policy(services, other, {"answer": "latest"}) == 0


def test_many_learners_cost_no_more_statements(services: Any, platform: Platform) -> None:
    link = db.session.scalars(select(ResourceLink).order_by(ResourceLink.id)).first()
    assert link is not None
    add_class(add_link(AT, "link-3"), 300)
    db.session.expire_all()

    with counted_statements() as previewed:
        changes = preview_platform_policy(services, platform, {"answer": "latest"})
        of_link = preview_policy(services, link, {"answer": "latest"})
    db.session.commit()
    with counted_statements() as changed:
        count = change_platform_policy(services, platform, {"answer": "latest"})

    assert (len(changes), len(of_link), count) == (303, 3, 303)
    assert len(previewed) <= 20, "\n".join(previewed)
    assert len(changed) <= 10, "\n".join(changed)


def test_many_cases_are_read_as_one_is(services: Any) -> None:
    link = add_link(AT)
    registration = add_registration(AT, link)
    registration.created_at = registration.launched_at = AT
    add_grade(AT, registration)
    add_launch(AT, registration, exited_at=AT, looks_from=AT)
    add_launch(AT, registration)
    add_class(link, 2)
    db.session.execute(update(Platform).values(probe_grade_id=2))
    db.session.commit()
    grades = list(db.session.scalars(select(Grade.id).order_by(Grade.id)))

    singly = [load_snapshot(services, grade_id) for grade_id in grades]

    assert list(load_snapshots(services, [*reversed(grades), 999])) == singly
    assert singly[0].sessions[0].besides == 0
