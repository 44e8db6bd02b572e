"""The pages that no journey stops at, held against axe: the picker's, and those that say no."""

import re
from typing import Any

import pytest

from tests.browser import axe
from tests.browser.test_demo import Demo, page, shoot
from tests.browser.test_practice_picking import open_picker, press

__all__ = ["page"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.deep("every page and size; the gate holds the journeys"),
    pytest.mark.timeout(300),
    pytest.mark.parametrize("demo", ["canvas"], indirect=True, scope="module"),
]


def frame_of(page: Any) -> Any:
    """Return what the LMS's frame shows now."""
    return page.query_selector("iframe.tool").content_frame()


def test_picker(page: Any, demo: Demo) -> None:
    tool = open_picker(page, demo)
    axe.check(page, "the picker", frame=frame_of(page))

    press(tool, "Upload a package")
    tool.get_by_role("heading", name="Upload a package").wait_for()
    axe.check(page, "upload", frame=frame_of(page))
    shoot(page, "picker-upload")

    press(tool, "Back to the list")
    tool.locator("li").first.get_by_role("button", name="Choose").click()
    tool.get_by_label("Title that learners see").wait_for()
    axe.check(page, "what is added", frame=frame_of(page))
    shoot(page, "picker-confirm")


@pytest.mark.parametrize("path", ["lti/setup", "lti/launch", "exit/unknown", "no/such/page"])
def test_page_that_is_opened_by_hand(page: Any, demo: Demo, path: str) -> None:
    link = re.search(r"(http\S+)/console\S+invite=", demo.output.read_text())
    assert link is not None

    page.goto(f"{link[1]}/{path}")

    assert page.locator("h1").inner_text()
    axe.check(page, path)
    shoot(page, f"by-hand-{path.replace('/', '-')}")


def test_console_for_a_user_who_is_not_let_in_yet(page: Any, demo: Demo) -> None:
    page.goto(demo.lms)
    page.get_by_role("button", name="Adam Novak").click()
    page.locator(".card").get_by_role("link", name="Open").first.click()
    tool = page.frame_locator("iframe.tool")

    press(tool, "Open the console")

    tool.get_by_role("heading", name="An owner of this bridge has to let you in").wait_for()
    axe.check(page, "the wish for the console", frame=frame_of(page))
