"""A refused launch is found by the reference on its page, and strangers fill nothing."""

import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from lti_bridge.core.db import db
from lti_bridge.problems.models import RefusedLaunch
from lti_bridge.problems.note_writer import NoteWriter
from lti_bridge.problems.refused_launches import (
    MOST_REFERENCES,
    MOST_ROWS,
    RefusalCounter,
    write_refusals,
)
from lti_bridge.services import Services
from tests.conftest import FakeClock
from tests.console.visitors import sign_in_admin, sign_in_owner
from tests.world import World


@pytest.fixture
def counter(services: Services) -> RefusalCounter:
    return RefusalCounter()


def refuse(counter: RefusalCounter, number: int = 0, **labels: Any) -> None:
    known = {"code": "unknown_platform", "issuer": "https://lms.example", "client_id": "42"}
    counter.note("launch_refused", {**known, "reference": f"r{number}", **labels})


def rows() -> list[RefusedLaunch]:
    db.session.expire_all()
    found = list(db.session.scalars(select(RefusedLaunch).order_by(RefusedLaunch.id)))
    db.session.rollback()
    return found


def test_launches_refused_alike_are_one_row(
    services: Services, counter: RefusalCounter, clock: FakeClock
) -> None:
    for number in range(3):
        refuse(counter, number)
    refuse(counter, 3, client_id="43")
    write_refusals(services, counter)
    first = clock()
    clock.advance(60)
    refuse(counter, 4)
    write_refusals(services, counter)

    one, other = rows()
    assert (one.count, one.first_at, one.last_at) == (4, first, clock())
    assert one.page_references == ["r0", "r1", "r2", "r4"]
    assert (other.client_id, other.count) == ("43", 1)


def test_newest_references_are_kept(services: Services, counter: RefusalCounter) -> None:
    for number in range(MOST_REFERENCES + 10):
        refuse(counter, number)
    write_refusals(services, counter)

    (row,) = rows()
    assert len(row.page_references) == MOST_REFERENCES
    assert row.page_references[-1] == f"r{MOST_REFERENCES + 9}"
    assert row.count == MOST_REFERENCES + 10


def test_strangers_fill_no_table(
    services: Services, counter: RefusalCounter, clock: FakeClock
) -> None:
    for batch in range(8):
        for number in range(300):
            refuse(counter, client_id=f"{batch}-{number}" * 100)
        write_refusals(services, counter)
        clock.advance(10)

    count = db.session.scalar(select(func.count()).select_from(RefusedLaunch))
    longest = db.session.scalar(select(func.max(func.length(RefusedLaunch.client_id))))
    assert (count, longest) == (MOST_ROWS, 255)
    assert sum(row.count for row in rows() if row.issuer == "") > 0


def test_other_events_are_nothing_to_it(services: Services, counter: RefusalCounter) -> None:
    counter.note("launch", {"outcome": "ok"})

    assert counter.take() == {}


def reference_of(text: str) -> str:
    found = re.search(r"reference <code>([^<]+)</code>", text)
    assert found, text
    return found.group(1)


def written(app: Flask, services: Services) -> None:
    write_refusals(services, app.extensions["refusal_counter"])


def test_page_of_an_unknown_lms_says_which_pair_came(world: World) -> None:
    query = {"iss": "https://lms.example", "client_id": "1000<b>24", "login_hint": "x"}
    query["target_link_uri"] = "http://localhost/lti/launch"

    page = world.browser.get("/lti/login", query_string=query)

    assert page.status_code == 400
    assert "issuer https://lms.example, client id 1000&lt;b&gt;24" in page.text


def test_reference_finds_the_refusal_and_the_near_miss(app: Flask, world: World) -> None:
    issuer = world.platform.url
    query = {"iss": issuer, "client_id": "client-2", "login_hint": "x"}
    query["target_link_uri"] = "http://localhost/lti/launch"
    reference = reference_of(world.browser.get("/lti/login", query_string=query).text)
    world.browser.get("/lti/login", query_string=query | {"iss": "https://else.example"})
    written(app, world.services)
    owner = sign_in_owner(app.test_client(), world.services)

    everything = owner.get("/console/problems/refused").text
    one = owner.get("/console/problems/refused", query_string={"reference": reference}).text
    none = owner.get("/console/problems/refused", query_string={"reference": "%"}).text

    assert everything.count("This LMS is not connected") == 2
    assert one.count("This LMS is not connected") == 1
    assert "has client id client-1; it sent client-2." in one
    assert "/console/platforms/new?issuer=http" in one
    assert "No refused launch has this reference" in none


def test_admin_of_an_lms_sees_their_own_refusals(app: Flask, world: World) -> None:
    world.launch(exp=5)
    world.browser.get(
        "/lti/login",
        query_string={
            "iss": "https://else.example",
            "client_id": "9",
            "login_hint": "x",
            "target_link_uri": "http://localhost/lti/launch",
        },
    )
    written(app, world.services)
    admin = sign_in_admin(world)

    page = admin.get("/console/problems/refused").text

    assert "https://else.example" not in page
    assert world.platform.url in page


def test_web_process_writes_down_what_is_left(app: Flask, services: Services) -> None:
    writer = NoteWriter(app)
    writer.start()
    refuse(app.extensions["refusal_counter"])

    writer.end()

    assert [row.count for row in rows()] == [1]
