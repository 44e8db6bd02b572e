"""The overdue round: what is due and unheard gets woken, in turns, and worked without a queue."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from lti_bridge.core.config import Settings
from lti_bridge.core.db import db
from lti_bridge.core.errors import Unavailable
from lti_bridge.passback.pipeline.lease import take_lease
from lti_bridge.passback.triggers.overdue import run_overdue_round, run_overdue_rounds
from lti_bridge.registrations.grade_updates import WORK_TASK, mark_due
from lti_bridge.registrations.models import Grade
from lti_bridge.services import Services
from tests.conftest import FakeClock, close_app, open_app, with_settings
from tests.passback.cells import add_cell


def make_due(clock: FakeClock, **names: str) -> int:
    grade = add_cell(clock(), **names)
    mark_due(grade.id, "read", clock())
    db.session.commit()
    return grade.id


class Worked(list[int]):
    """Remembers which grades were worked by the round itself."""

    def __call__(self, grade_id: int) -> None:
        self.append(grade_id)


@pytest.fixture
def no_queue(services: Services) -> Iterator[None]:
    """The queue's storage goes away."""
    kept = services.queue.enqueue

    def refuse(*_: object, **__: object) -> None:
        raise Unavailable("the queue is gone")

    vars(services.queue)["enqueue"] = refuse
    yield
    vars(services.queue)["enqueue"] = kept


def test_wakes_what_is_due_once(services: Services, clock: FakeClock) -> None:
    make_due(clock)

    first = run_overdue_round(services, Worked())
    clock.advance(5)
    second = run_overdue_round(services, Worked())
    clock.advance(60)
    third = run_overdue_round(services, Worked())

    assert (first, second, third) == (1, 0, 1)


def test_leaves_what_is_not_due_or_is_held(services: Services, clock: FakeClock) -> None:
    held = make_due(clock)
    assert take_lease(services, held) is not None
    later = add_cell(clock(), sub="user-8")
    mark_due(later.id, "read", clock() + timedelta(seconds=1))
    db.session.commit()

    assert run_overdue_round(services, Worked()) == 0


def test_wakes_again_when_a_holder_died(services: Services, clock: FakeClock) -> None:
    grade_id = make_due(clock)
    run_overdue_round(services, Worked())
    clock.advance(1)
    assert take_lease(services, grade_id) is not None
    lease = services.settings.passback.claim_lease_seconds

    clock.advance(lease - 10)
    held = run_overdue_round(services, Worked())
    clock.advance(10)
    ended = run_overdue_round(services, Worked())

    assert (held, ended) == (0, 1)


def test_works_itself_without_a_queue(services: Services, clock: FakeClock, no_queue: None) -> None:
    grades = [make_due(clock), make_due(clock, sub="user-8")]
    worked = Worked()

    run_overdue_round(services, worked)

    assert sorted(worked) == sorted(grades)


def test_takes_platforms_in_turns(services: Services, clock: FakeClock, no_queue: None) -> None:
    many = [make_due(clock, sub=f"user-{number}") for number in range(5)]
    other = make_due(clock, issuer="https://other.example")
    worked = Worked()

    run_overdue_round(services, worked)

    assert worked.index(other) == 1
    assert sorted(worked) == sorted([*many, other])


def test_woken_at_is_kept_in_the_row(services: Services, clock: FakeClock) -> None:
    grade_id = make_due(clock)

    run_overdue_round(services, Worked())

    assert db.session.get_one(Grade, grade_id, populate_existing=True).woken_at == clock()


def test_full_rounds_go_on_at_once(settings: Settings, clock: FakeClock) -> None:
    app = open_app(with_settings(settings, passback={"overdue_round_rows": 4}), clock)
    with app.app_context():
        services = app.extensions["lti_bridge"]
        grades = [make_due(clock, sub=f"user-{number}") for number in range(10)]
        eaten: list[int] = []
        services.queue.register(WORK_TASK, eaten.append)
        vars(services.queue)["size"] = lambda: _eat(services, len(grades))

        run_overdue_rounds(services, Worked())

        _eat(services, len(grades))
        assert sorted(eaten) == grades
    close_app(app)


def _eat(services: Services, most: int) -> int:
    """Be the worker threads: work off what is queued."""
    huey = services.queue.huey()
    for _ in range(most):
        job = huey.dequeue()
        if job is None:
            break
        huey.execute(job)
    return 0


def test_rounds_stop_while_the_queue_is_full(settings: Settings, clock: FakeClock) -> None:
    few = {"overdue_round_rows": 4, "overdue_round_seconds": 0.2}
    app = open_app(with_settings(settings, passback=few), clock)
    with app.app_context():
        services = app.extensions["lti_bridge"]
        for number in range(10):
            make_due(clock, sub=f"user-{number}")

        run_overdue_rounds(services, Worked())

        assert services.queue.size() == 4
    close_app(app)


def test_rounds_work_everything_without_a_queue(
    settings: Settings, clock: FakeClock, no_queue: None, services: Services
) -> None:
    most = services.settings.passback.overdue_round_rows
    grades = [make_due(clock, sub=f"user-{number}") for number in range(most + 1)]
    vars(services.queue)["size"] = services.queue.enqueue
    worked = Worked()

    run_overdue_rounds(services, worked)

    assert sorted(worked) == grades
