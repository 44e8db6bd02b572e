"""The console's first page: what is wrong, in short, and what is on its way."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from lti_bridge.core.errors import Unavailable
from tests.console.visitors import sign_in_owner
from tests.problems.stuck import add_stuck
from tests.world import World


@pytest.fixture
def owner(app: Flask, world: World) -> FlaskClient:
    return sign_in_owner(app.test_client(), world.services)


def text_of(browser: FlaskClient) -> str:
    page = browser.get("/console/")
    assert page.status_code == 200
    return " ".join(page.text.split())


def test_quiet_bridge_needs_no_action(owner: FlaskClient) -> None:
    page = text_of(owner)

    assert "Nothing is wrong." in page
    assert "0 scores wait to be sent" in page
    assert "0 jobs in the queue" in page


def test_empty_bridge_says_how_to_begin(app: Flask, services: Any) -> None:
    page = text_of(sign_in_owner(app.test_client(), services))

    assert "No LMS is connected yet" in page


def test_queue_that_is_away_is_said(world: World, owner: FlaskClient) -> None:
    def refuse() -> int:
        raise Unavailable("away")

    vars(world.services.queue)["size"] = refuse

    assert "The queue does not answer" in text_of(owner)


def test_overdue_grades_ask_for_a_worker(world: World, owner: FlaskClient) -> None:
    now = world.services.now()
    grade = add_stuck(world, "u1", next_read_at=now - timedelta(minutes=7))

    page = text_of(owner)

    assert grade.id
    assert "1 grade is due, the oldest since 7 minutes." in page
    assert "Is a worker running?" in page


def test_problems_are_listed_in_short(world: World, owner: FlaskClient) -> None:
    for number in range(10):
        add_stuck(world, f"u{number}", reason=f"Stuck by {number}.")

    page = text_of(owner)

    assert page.count("School refuses scores: Stuck by") == 8
    assert "2 more, who can end them, and how" in page
    assert "Nothing is wrong." not in page
    assert '<span class="count">10<span' in page
