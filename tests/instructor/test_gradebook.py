"""The gradebook's page: how the grades compare, and what a person decides about the lost ones."""

from collections.abc import Sequence

import pytest
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from lti_bridge.core.db import db
from lti_bridge.passback.models import Score
from lti_bridge.registrations.models import Grade, ResourceLink
from tests.console.visitors import sign_in_owner
from tests.html import read_page
from tests.instructor.test_activity_views import ask, entries, finish, grade_of, press
from tests.mini_platform import AGS, ASSISTANT, ENDPOINT, INSTRUCTOR, Reply
from tests.world import HERE, World, code, page_token

RESULTS = ("GET", "/items/1/results")


@pytest.fixture
def learners(world: World) -> dict[str, int]:
    """Three learners whose grades the LMS has taken, by their numbers."""
    numbers = {sub: finish(world, sub, 85.5) for sub in ("alice", "bob", "carla")}
    db.session.execute(update(Score).values(finished_at=world.services.now()))
    db.session.commit()
    return numbers


def enter(world: World, roles: Sequence[str] = (INSTRUCTOR,), sub: str = "ida") -> str:
    """Open the activity, whose column the LMS lets us read; returns the page's token."""
    url, scopes = world.platform.url, [f"{AGS}score", f"{AGS}result.readonly"]
    claim = {ENDPOINT: {"lineitem": f"{url}/items/1", "scope": scopes}}
    return page_token(world.launch(roles=list(roles), sub=sub, **claim).location)


def holds(world: World, **scores: float) -> None:
    body = [
        {"userId": sub, "resultMaximum": 100, "resultScore": score} for sub, score in scores.items()
    ]
    world.platform.routes[RESULTS] = Reply(body=body)


def compare(world: World, token: str) -> TestResponse:
    form = {"page": token}
    return world.browser.post("/console/link/gradebook/compare", data=form, follow_redirects=True)


def link_id() -> int:
    found = db.session.scalars(select(ResourceLink.id)).one()
    db.session.commit()
    return found


def test_page_compares_at_once_and_names_who_differs(
    world: World, learners: dict[str, int]
) -> None:
    holds(world, alice=85.5, bob=95)
    token = enter(world)
    before = ask(world, "/gradebook", token)
    assert "It has not been compared yet" in before.text

    page = press(world, before)

    assert f"Compared at {world.services.now():%Y-%m-%d %H:%M UTC}" in page.text
    text = " ".join(page.text.split())
    assert "<strong>1</strong> overridden by a teacher" in text
    assert "1 grade is gone from the gradebook, or was cleared there." in text
    names = [text for text, address in read_page(page.text, HERE).links if "learner=" in address]
    assert names == ["Bob Learner", "Carla Learner"]
    assert "2 differ, " in ask(world, "", token).text
    said = "asked to compare the activity with its gradebook"
    assert entries() == [("instructor ida", "compare", f"link {link_id()}", said)]
    assert grade_of(learners["carla"]).resend is None


def test_lost_grades_are_sent_again_after_the_count(world: World, learners: dict[str, int]) -> None:
    holds(world, bob=95)
    token = enter(world)
    compare(world, token)

    asked = ask(world, "/resend", token, which="lost")
    page = press(world, asked, which="lost")

    assert "Send 2 grades again?" in asked.text
    assert "decided and sent anew" in page.text
    assert "gone from the gradebook" not in page.text
    again = {sub for sub, number in learners.items() if grade_of(number).resend == "asked"}
    assert again == {"alice", "carla"}
    assert entries()[-1][1:] == (
        "resend",
        f"link {link_id()}",
        "asked to send 2 of the activity's grades again",
    )


def test_ours_replaces_every_other_grade_on_request(world: World, learners: dict[str, int]) -> None:
    holds(world, alice=85.5, bob=95)
    token = enter(world)
    compare(world, token)

    asked = ask(world, "/resend", token, which="other")
    press(world, asked, which="other")

    assert "Send 2 grades again?" in asked.text
    assert "typed in are replaced" in asked.text
    again = {sub for sub, number in learners.items() if grade_of(number).resend == "asked"}
    assert again == {"bob", "carla"}


def test_what_a_reset_left_can_be_left(world: World, learners: dict[str, int]) -> None:
    holds(world)
    token = enter(world)
    asked = compare(world, token)
    (leave,) = [f for f in read_page(asked.text, HERE).forms if f.action.endswith("/leave")]

    page = world.browser.post(leave.action, data=leave.fields, follow_redirects=True)

    assert "They are left as they are" in page.text
    text = " ".join(page.text.split())
    assert "<strong>3</strong> left as it is" in text
    assert "Leave them" not in text
    said = "left the grades as they are that the gradebook had lost"
    assert entries()[-1] == ("instructor ida", "leave", f"link {link_id()}", said)
    world.browser.post(leave.action, data=leave.fields)
    assert len(entries()) == 2  # nothing was left to leave
    assert {grade_of(number).compared for number in learners.values()} == {"left"}


def test_failed_comparison_says_why(world: World, learners: dict[str, int]) -> None:
    world.platform.routes[RESULTS] = Reply(503)

    page = compare(world, enter(world))

    assert "The newest comparison could not be made." in page.text
    assert db.session.scalars(select(ResourceLink.compared_at)).one() is None
    db.session.commit()


def test_assistants_look_and_change_nothing(world: World, learners: dict[str, int]) -> None:
    holds(world)
    compare(world, enter(world))
    token = enter(world, roles=[ASSISTANT], sub="tom")

    page = ask(world, "/gradebook", token)

    assert "3 grades are gone from the gradebook" in page.text
    assert [f for f in read_page(page.text, HERE).forms if f.method == "POST"] == []
    refused = world.browser.post("/console/link/gradebook/leave", data={"page": token})
    assert (code(refused), code(compare(world, token))) == ("not_for_you", "not_for_you")
    assert {grade_of(number).compared for number in learners.values()} == {"lost"}


def test_console_lists_what_comparisons_found(world: World, learners: dict[str, int]) -> None:
    owner = sign_in_owner(world.browser.application.test_client(), world.services)
    assert "not compared yet" in owner.get("/console/activities").text
    holds(world, alice=85.5, bob=95)
    compare(world, enter(world))

    page = owner.get("/console/activities").text

    assert f"2 differ, {world.services.now():%Y-%m-%d %H:%M}" in page
    db.session.execute(update(Grade).values(compared="delivered"))
    db.session.commit()
    assert "all the same, " in owner.get("/console/activities").text
    (address,) = [link for _, link in read_page(page, HERE).links if "/console/link?" in link]
    assert "Compared at" in owner.get(address.replace("/link?", "/link/gradebook?")).text
