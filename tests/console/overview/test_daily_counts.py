"""The overview's days: every number is that of the rows, inside one's scope, and no row is lost."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from lti_bridge.audit.actor import Scope
from lti_bridge.console.overview.daily_counts import DAYS, count_days, measure_latency, quantile
from lti_bridge.core.db import db
from lti_bridge.passback.models import Score
from lti_bridge.platforms.models import Deployment
from lti_bridge.registrations.models import Launch, Registration
from lti_bridge.web.histogram import HEIGHT, draw_bars
from tests.console.visitors import sign_in_owner
from tests.privacy.people import People, make_people
from tests.story.test_query_plans import caught, full_scans
from tests.world import World

EVERYTHING = Scope(platform_id=None, deployment_id=None)


@pytest.fixture
def people(world: World) -> People:
    return make_people(world)


def numbers(people: People, scope: Scope = EVERYTHING) -> list[tuple[int, int, int]]:
    found = count_days(scope, people.world.services.now())
    db.session.commit()
    return [(day.launches, day.completions, day.grades) for day in found]


@pytest.fixture
def busy(people: People) -> People:
    """Three launches and grades of today; one of each is moved to the day before."""
    now = people.world.services.now()
    for registration in db.session.scalars(select(Registration)).all():
        registration.completion, registration.progress_changed_at = "COMPLETED", now
    for launch in db.session.scalars(select(Launch)).all():
        launch.exited_at = now - timedelta(seconds=10)
    db.session.scalars(select(Launch)).all()[0].launched_at = now - timedelta(days=1)
    registration = db.session.scalars(select(Registration)).all()[0]
    registration.progress_changed_at = now - timedelta(days=1)
    db.session.scalars(select(Score)).all()[0].finished_at = now - timedelta(days=1)
    db.session.commit()
    return people


def test_days_are_those_of_the_rows(busy: People) -> None:
    found = numbers(busy)

    assert len(found) == DAYS
    assert found[-2:] == [(1, 1, 1), (2, 2, 2)]
    assert set(found[:-2]) == {(0, 0, 0)}


def test_scores_without_a_learner_are_no_grades(busy: People) -> None:
    for score in db.session.scalars(select(Score)).all():
        score.state = "superseded"
    db.session.commit()

    assert [grades for _, _, grades in numbers(busy)] == [0] * DAYS


def test_days_are_those_of_the_scope(busy: People) -> None:
    deployment = db.session.scalars(select(Deployment)).one()
    db.session.commit()

    mine = Scope(platform_id=deployment.platform_id, deployment_id=deployment.id)
    other = Scope(platform_id=deployment.platform_id, deployment_id=deployment.id + 1)

    assert numbers(busy, mine)[-1] == (2, 2, 2)
    assert set(numbers(busy, other)) == {(0, 0, 0)}


def test_latency_is_from_exit_to_gradebook(busy: People) -> None:
    latency = measure_latency(EVERYTHING, busy.world.services.now())
    db.session.commit()

    assert latency is not None
    # The grade of yesterday came before its only exit.
    assert (latency.count, latency.median_seconds, latency.p90_seconds) == (2, 10, 10)


def test_quantiles_are_values() -> None:
    assert [quantile([1, 2, 3, 4], share) for share in (0.1, 0.5, 0.9)] == [1, 2, 4]


def test_highest_bar_fills_the_drawing() -> None:
    bars = draw_bars([0, 5, 10])

    assert [bar.height for bar in bars] == [0, HEIGHT / 2, HEIGHT]
    assert [bar.y + bar.height for bar in bars] == [HEIGHT] * 3


def test_page_shows_bars_and_their_table(app: Flask, busy: People) -> None:
    owner = sign_in_owner(app.test_client(), busy.world.services)
    with caught() as statements:
        page = owner.get("/console/").text

    assert "Launches: <strong>3</strong>" in page
    assert "per day: 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2" in page
    assert "<td>2</td><td>2</td><td>2</td>" in page
    assert "10.0 s for half of the grades" in page
    assert full_scans(statements) == []
