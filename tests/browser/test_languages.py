"""A whole journey in German, each learner page under axe, and the frame that grows in Canvas."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.browser import axe
from tests.browser.test_demo import (
    ARRIVED,
    QUIZZES,
    Demo,
    act_as,
    open_activity,
    page,
    shoot,
    take_quiz,
)

__all__ = ["page"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.deep("every page and size; the gate holds the journeys"),
]
SIZES = {"wide": (1280, 860), "frame": (770, 578), "phone": (360, 740)}


@pytest.fixture(params=["de_DE", "en"])
def locale(request: pytest.FixtureRequest, demo: Demo) -> Iterator[str]:
    """The language in which the practice LMS launches."""
    put_locale(demo, request.param)
    yield request.param
    put_locale(demo, "en")


def put_locale(demo: Demo, locale: str) -> None:
    url = f"{demo.lms}/control/platform"
    requests.put(url, json={"locale": locale}, timeout=10).raise_for_status()


WORDS = {
    "de_DE": (
        {"moodle": "Ihre Bewertung steht im Notenbuch", "canvas": "Das LMS hat Ihre Bewertung"},
        "Einzelheiten ansehen",
        "50 von 100",
    ),
    "en": (ARRIVED, "See the details", "50 of 100"),
}


def look_at(page: Any, url: str, name: str) -> None:
    """Open a page of ours by itself, check it with axe, and keep its pictures."""
    page.goto(url)
    axe.check(page, name)
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        shoot(page, f"{name}-{size}")
    page.set_viewport_size({"width": 1280, "height": 860})


def test_whole_journey_in_the_launch_s_language(page: Any, demo: Demo, locale: str) -> None:
    home, see, score = WORDS[locale]
    act_as(page, demo, "Ben Okafor" if locale == "en" else "Alice Andersen")
    player = open_activity(page, QUIZZES[0])
    take_quiz(player, QUIZZES[0], 2)
    player.get_by_role("button", name="Exit course").click()
    player.get_by_role("heading", name=home[demo.dialect]).wait_for(timeout=40_000)
    (frame,) = [one for one in page.frames if "/exit/" in one.url]
    address = frame.url
    language = locale.partition("_")[0]
    result = player.get_by_role("link", name=see).get_attribute("href")
    back = page.context.new_page()

    look_at(back, address, f"exit-{language}")
    assert back.locator("html").get_attribute("lang") == language
    look_at(back, address.partition("/exit/")[0] + result, f"result-{language}")
    assert score in back.locator("main").inner_text()
    look_at(back, address[:-4] + "none", f"unknown-exit-{language}")
    look_at(back, address.partition("/exit/")[0] + "/lti/launch", f"rejected-{language}")


def test_frame_grows_in_canvas_alone(page: Any, demo: Demo) -> None:
    page.set_viewport_size({"width": 500, "height": 300})
    act_as(page, demo, "Ida Ivarsson")
    page.add_style_tag(content="iframe.tool { height: 90px; min-height: 0 !important }")

    page.locator(".card").first.get_by_role("link", name="Open").click()
    page.add_style_tag(content="iframe.tool { height: 90px; min-height: 0 !important }")
    tool = page.frame_locator("iframe.tool")
    tool.get_by_role("button", name="Preview").wait_for()
    tool.locator("main").evaluate("main => { main.innerHTML += '<p>more</p>'.repeat(40) }")
    page.wait_for_timeout(500)
    height = page.locator("iframe.tool").bounding_box()["height"]

    assert (height > 300) is (demo.dialect == "canvas"), height
