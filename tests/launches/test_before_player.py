"""The page before the player: shown again by its address, followed while a window is open."""

import re
from typing import Any

import pytest
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from lti_bridge.core.db import db
from lti_bridge.registrations.models import Launch, Registration, ResourceLink
from lti_bridge.registrations.return_urls import exit_url
from lti_bridge.web.pages import LONGEST_ADDRESS
from tests.html import read_page
from tests.mini_platform import INSTRUCTOR, LEARNER, TEST_USER
from tests.world import HERE, World, code, count

GERMAN = {"return_url": "https://school.example/course?sesskey=secret", "locale": "de"}


def finish(score: float = 50) -> None:
    """Let every attempt that there is be finished, and two be allowed."""
    done = {"completion": "COMPLETED", "success": "PASSED", "score_scaled": score}
    db.session.execute(update(Registration).values(**done))
    db.session.execute(update(ResourceLink).values(attempts_allowed=2))
    db.session.commit()
    db.session.expire_all()


def in_a_window() -> None:
    db.session.execute(update(ResourceLink).values(player_window=True))
    db.session.commit()
    db.session.expire_all()


def choice(world: World) -> TestResponse:
    world.launch()
    finish()
    return world.launch(launch_presentation=GERMAN)


def window(world: World) -> TestResponse:
    world.launch()
    in_a_window()
    return world.launch(launch_presentation=GERMAN)


def preview(world: World) -> TestResponse:
    return world.launch(roles=[TEST_USER], launch_presentation=GERMAN)


def switched(world: World) -> TestResponse:
    world.launch(roles=[INSTRUCTOR])
    return world.launch(roles=[LEARNER], launch_presentation=GERMAN)


PAGES = pytest.mark.parametrize("begin", [choice, window, preview, switched])


def plain(page: TestResponse) -> str:
    """Return a page without what is drawn anew each time."""
    return re.sub(r'nonce="[^"]*"|data-watch="[^"]*"', "", page.text)


@PAGES
def test_page_has_an_address_that_shows_it_again(world: World, begin: Any) -> None:
    launched = begin(world)
    rows = count(Launch), count(Registration)

    first, again = (world.browser.get(launched.location) for _ in range(2))

    assert (launched.status_code, first.status_code) == (303, 200)
    assert plain(first) == plain(again)
    assert "Zurück zu Ihrem Kurs" in first.text
    assert (count(Launch), count(Registration)) == rows
    assert first.headers["Cache-Control"] == "no-store"
    assert first.headers["Referrer-Policy"] == "no-referrer"
    policy = first.headers["Content-Security-Policy"]
    assert f"frame-ancestors 'self' {world.platform.url} https://school.example" in policy


@PAGES
def test_address_tells_nothing_of_a_person(world: World, begin: Any) -> None:
    address = begin(world).location

    assert len(address) < LONGEST_ADDRESS
    for text in ("Alice", "alice", "Learner", "school.example", "secret"):
        assert text not in address


@PAGES
def test_page_says_what_to_do_when_its_time_is_over(world: World, clock: Any, begin: Any) -> None:
    address = begin(world).location
    clock.advance(3601)

    page = world.browser.get(address)

    assert (page.status_code, code(page)) == (400, "page_expired")
    assert "Reload the page of your course" in page.text


def test_address_too_long_for_a_proxy_is_not_used(world: World) -> None:
    world.launch(roles=[INSTRUCTOR])

    page = world.launch(custom={"scorm_course_id": "golf", "long": "x" * LONGEST_ADDRESS})

    assert page.status_code == 200
    assert "I am a learner here" in page.text


@pytest.mark.parametrize("begin", [preview, switched, choice])
@pytest.mark.parametrize("path", ["/lti/attempt", "/lti/preview"])
def test_token_shows_its_own_page_only(world: World, begin: Any, path: str) -> None:
    address = begin(world).location
    own, _, query = address.partition("?")

    shown = world.browser.get(f"{path}?{query}")

    assert (shown.status_code == 200) is (own == path)


def test_staff_s_token_shows_no_preview_page(world: World) -> None:
    query = world.launch(roles=[INSTRUCTOR]).location.partition("?")[2]

    assert code(world.browser.get(f"/lti/preview?{query}")) == "page_expired"


def test_restored_tab_of_what_is_gone_says_reload(world: World) -> None:
    page = world.browser.get("/lti/launch")

    assert "Reload the page of your course" in page.text
    assert "bookmark" not in page.text


# While the course is open in a window


def watch(world: World, page: TestResponse) -> Any:
    found = re.search(r'data-watch="([^"]+)"', page.text)
    assert found, page.text
    return world.browser.get(found[1])


def leave(world: World, launch: int) -> None:
    url = exit_url(world.services, launch)
    assert world.browser.get(url.removeprefix(HERE)).status_code == 200


def newest_launch() -> int:
    found = db.session.scalars(select(Launch.id).order_by(Launch.id.desc())).first()
    db.session.commit()
    assert found is not None
    return found


def test_page_leads_to_the_result_once_the_course_was_left(world: World) -> None:
    address = window(world).location
    page = world.browser.get(address)
    launch = newest_launch()
    before = watch(world, page).json
    form = read_page(page.text, HERE).forms[0]
    world.browser.post(form.action, data={**form.fields, "choice": "same"})
    opened = watch(world, page).json

    leave(world, launch)

    left = watch(world, page)
    assert (before, opened) == ({"address": ""}, {"address": ""})
    assert left.json == {"address": exit_url(world.services, launch)}
    assert left.headers["Cache-Control"] == "no-store"
    again = world.browser.get(address)
    assert (again.status_code, again.location) == (303, left.json["address"])


def test_page_follows_a_further_attempt(world: World) -> None:
    world.launch()
    finish()
    in_a_window()
    page = world.enter()
    form = read_page(page.text, HERE).forms[0]
    world.browser.post(form.action, data={**form.fields, "choice": "another"})
    db.session.expire_all()
    launch = newest_launch()

    waiting = watch(world, page).json
    leave(world, launch)

    assert waiting == {"address": ""}
    assert watch(world, page).json == {"address": exit_url(world.services, launch)}


def test_page_is_followed_for_longer_than_its_buttons_work(world: World, clock: Any) -> None:
    page = world.follow(window(world))
    clock.advance(3 * 3600)

    assert watch(world, page).json == {"address": ""}


def test_choice_in_the_frame_stays_a_choice(world: World) -> None:
    """Nothing opened in a window: a learner who went back may choose again."""
    address = choice(world).location
    leave(world, newest_launch())

    assert world.browser.get(address).status_code == 200


@pytest.mark.parametrize("token", ["x", "x.y.z"])
def test_forged_watch_is_told_nothing(world: World, token: str) -> None:
    answer = world.browser.get(f"/lti/attempt/left/{token}")

    assert (answer.status_code, answer.json) == (404, {"error": "unknown"})


def test_page_without_scripts_refreshes_itself(world: World) -> None:
    page = world.follow(window(world))

    assert '<noscript><meta http-equiv="refresh" content="15"></noscript>' in page.text
