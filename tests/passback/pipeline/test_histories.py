"""Whatever sessions the attempts had, the grade is what the policy's table says of them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, update

from lti_bridge.core.db import db
from lti_bridge.passback.pipeline.snapshot import load_snapshot
from lti_bridge.passback.rules.grade_snapshot import attempts_of
from lti_bridge.passback.rules.grading_policy import Send, decide
from lti_bridge.registrations.grade_updates import store_progress
from lti_bridge.registrations.grading import GradingAnswer, GradingPolicy
from lti_bridge.registrations.kept_outcomes import keep_at_launch
from lti_bridge.registrations.models import Grade, Launch, Registration
from lti_bridge.scorm_cloud.progress import Completion, Progress, Success
from lti_bridge.services import Services
from tests.conftest import FakeClock
from tests.rows import add_grade, add_launch, add_link, add_registration

Report = tuple[str, str, float | None]
Session = Sequence[Report]

REPORTS = st.tuples(
    st.sampled_from(["COMPLETED", "INCOMPLETE", "UNKNOWN"]),
    st.sampled_from(["PASSED", "FAILED", "UNKNOWN"]),
    st.sampled_from([None, 0.0, 40.0, 75.0, 100.0]),
)
HISTORIES = st.lists(
    st.lists(st.lists(REPORTS, min_size=1, max_size=3), min_size=1, max_size=3),
    min_size=1,
    max_size=3,
)


def value_of(sessions: Sequence[Session], *, best: bool) -> float | None:
    """An attempt's value by the table: its real score, else what stands in for one."""
    judged = [r for session in sessions for r in session if "COMPLETED" in r or "PASSED" in r]
    real = [score for _, _, score in judged if score is not None]
    if real:
        return max(real) if best else real[-1]
    for completion, success, score in reversed([session[-1] for session in sessions]):
        if score is not None and success == "FAILED":
            return score
        if completion == "COMPLETED" or success == "PASSED":
            return 0.0 if success == "FAILED" else 100.0
    return None


def grade_of(history: Sequence[Sequence[Session]], answer: str) -> float | None:
    found = [value_of(sessions, best=answer == "best") for sessions in history]
    values = [value for value in found if value is not None]
    if not values:
        return None
    mean = round(sum(values) / len(values), 4)
    return {"best": max(values), "latest": values[-1], "first": values[0], "average": mean}[answer]


@pytest.fixture
def first(services: Services, clock: FakeClock) -> dict[str, Any]:
    """What every attempt's row of the learner has alike."""
    row = add_registration(clock(), add_link(clock()))
    names = ("resource_link_id", "learner_id", "scorm_account_id", "course_id", "opened_at")
    return {name: getattr(row, name) for name in names}


def play(clock: FakeClock, first: dict[str, Any], history: Sequence[Sequence[Session]]) -> int:
    """Write the rows of a history of ended sessions; returns the grade's id."""
    for model in (Grade, Launch, Registration):
        db.session.execute(delete(model))
    grade_id = 0
    for number, sessions in enumerate(history, 1):
        name = f"00000000-0000-4000-8000-{number:012d}"
        row = Registration(registration_id=name, attempt=number, created_at=clock(), **first)
        db.session.add(row)
        db.session.commit()
        grade_id = grade_id or add_grade(clock(), row).id
        for session in sessions:
            mine = update(Registration).where(Registration.id == row.id)
            db.session.execute(mine.values(launched_at=clock(), **keep_at_launch()))
            add_launch(clock(), row, exited_at=clock(), settled_at=clock())
            for completion, success, score in session:
                report = Progress(Completion(completion), Success(success), score)
                store_progress(row.id, report, clock())
                clock.advance(1)
    db.session.commit()
    return grade_id


@pytest.mark.parametrize("answer", ["best", "latest", "first", "average"])
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=HISTORIES)
def test_any_history_ends_at_the_grade_of_the_table(
    app: Flask,
    services: Services,
    clock: FakeClock,
    first: dict[str, Any],
    answer: str,
    history: Sequence[Sequence[Session]],
) -> None:
    grade_id = play(clock, first, history)
    clock.advance(timedelta(hours=1).total_seconds())

    snapshot = load_snapshot(services, grade_id)
    decision = decide(attempts_of(snapshot, clock()), GradingPolicy(answer=GradingAnswer(answer)))

    sent = decision.score_given if isinstance(decision, Send) else None
    assert sent == grade_of(history, answer)
