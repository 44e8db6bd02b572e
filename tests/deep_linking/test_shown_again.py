"""Going back, a reload and a restored tab: each page of the picker has an address of its own."""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from werkzeug.test import TestResponse

from lti_bridge.web.pages import LONGEST_ADDRESS
from tests.deep_linking.picking import DL, answer, deep_link, token_of
from tests.mini_platform import LEARNER
from tests.practice_cloud import package
from tests.world import World, code


def post(world: World, where: str, token: str, **fields: Any) -> TestResponse:
    """Press a button, and go nowhere yet."""
    return world.browser.post(f"/lti/pick{where}", data={"page": token, **fields})


def confirmed(world: World) -> str:
    chosen = post(world, "/choose", token_of(deep_link(world)), course="golf")
    return token_of(world.follow(chosen))


def uploaded(world: World, **fields: str) -> TestResponse:
    form = world.follow(post(world, "/package", token_of(deep_link(world))))
    address = re.search(r'action="([^"]*upload[^"]*)"', form.text)
    assert address is not None
    data = {"page": token_of(form), "package": (package("Swim"), "Swim.zip"), **fields}
    return world.browser.post(address[1], data=data)


def importing(world: World) -> TestResponse:
    return post(world, "/package/import", token_of(world.follow(uploaded(world))))


BUTTONS: dict[str, Any] = {
    "search": lambda w: post(w, "", token_of(deep_link(w)), find="1", search="golf"),
    "nothing chosen": lambda w: post(w, "/choose", token_of(deep_link(w))),
    "gone": lambda w: post(w, "/choose", token_of(deep_link(w)), course="tennis"),
    "confirm": lambda w: post(w, "/choose", token_of(deep_link(w)), course="golf"),
    "add": lambda w: post(w, "/add", confirmed(w), **{"title-0": "Golf"}),
    "cancel": lambda w: post(w, "/cancel", token_of(deep_link(w))),
    "refused": lambda w: post(w, "/refused", token_of(deep_link(w, roles=[LEARNER]))),
    "package": lambda w: post(w, "/package", token_of(deep_link(w))),
    "uploaded": uploaded,
    "wrong id": lambda w: uploaded(w, course_id="a/b"),
    "taken id": lambda w: uploaded(w, course_id="golf"),
    "import": importing,
}


def plain(page: TestResponse) -> str:
    """Return a page without what is drawn anew each time."""
    return re.sub(r'(nonce|value|action)="[^"]*"|Importing.*|The course is ready.*', "", page.text)


@pytest.mark.parametrize("press", BUTTONS.values(), ids=BUTTONS)
def test_button_leads_to_a_page_that_can_be_shown_again(world: World, press: Any) -> None:
    pressed = press(world)
    first, again = (world.browser.get(pressed.location) for _ in range(2))

    assert pressed.status_code == 303
    assert len(pressed.location) < LONGEST_ADDRESS
    assert {"page"} == {
        part.partition("=")[0] for part in urlsplit(pressed.location).query.split("&")
    }
    assert first.status_code == again.status_code
    assert first.mimetype == "text/html"
    assert first.headers["Cache-Control"] == "no-store"
    assert first.headers["Referrer-Policy"] == "no-referrer"
    policy = first.headers["Content-Security-Policy"]
    assert f"frame-ancestors 'self' {world.platform.url}" in policy
    if "import" not in pressed.location:  # that goes on meanwhile
        assert plain(first) == plain(again)


@pytest.mark.parametrize("press", BUTTONS.values(), ids=BUTTONS)
def test_restored_page_says_what_to_do_after_an_hour(world: World, clock: Any, press: Any) -> None:
    address = press(world).location
    clock.advance(3601)

    page = world.browser.get(address)

    assert (page.status_code, code(page)) == (400, "page_expired")
    assert "Reload the page of your course" in page.text


def test_search_and_choice_are_on_the_page_shown_again(world: World) -> None:
    token = token_of(deep_link(world))
    chosen = {"course": ["golf", "swim"], "named-swim": "Swim"}

    address = post(world, "", token, find="1", search="golf", **chosen).location

    page = world.browser.get(address).text
    assert 'type="search" value="golf"' in page
    assert 'value="swim" checked> Swim' in page
    assert re.search(r'value="golf" id="course-1" checked', page)


def test_uploads_page_keeps_what_was_chosen(world: World) -> None:
    token = token_of(deep_link(world))

    page = world.follow(post(world, "/package", token, course="golf", **{"named-golf": "Golf"}))

    assert '<input type="hidden" name="course" value="golf">' in page.text


@pytest.mark.parametrize("press", BUTTONS.values(), ids=BUTTONS)
def test_long_data_of_the_lms_travels_in_no_address(
    world: World, press: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Servers in front of us take 8 KiB: then the page is the answer itself, as it was."""
    monkeypatch.setattr("lti_bridge.web.pages.LONGEST_ADDRESS", 100)

    pressed = press(world)

    assert pressed.status_code in (200, 400, 409)
    assert pressed.mimetype == "text/html"


def test_launch_with_long_data_shows_the_picker(world: World) -> None:
    page = deep_link(world, data="x" * LONGEST_ADDRESS)

    claims = answer(world, world.follow(post(world, "/cancel", token_of(page))))
    assert claims[f"{DL}data"] == "x" * LONGEST_ADDRESS


def test_answer_is_signed_anew_when_it_is_shown_again(world: World) -> None:
    address = BUTTONS["add"](world).location

    first, again = (answer(world, world.browser.get(address)) for _ in range(2))

    assert first["nonce"] != again["nonce"]
    assert first[f"{DL}content_items"] == again[f"{DL}content_items"] != []


@pytest.mark.parametrize(
    "path",
    ["", "/choose", "/answer", "/refused", "/package"],
    ids=["picker", "choose", "answer", "refused", "package"],
)
def test_address_needs_a_token_of_its_kind(world: World, path: str) -> None:
    refused = token_of(deep_link(world, roles=[LEARNER]))
    picker = token_of(deep_link(world))
    wrong = picker if path in ("/answer", "/refused") else refused

    for token in ("", "forged", wrong):
        page = world.browser.get(f"/lti/pick{path}", query_string={"page": token})
        assert code(page) == "page_expired", token
