"""A teacher of the practice LMS adds a course from the tool, and a learner opens it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lti_sandbox.sample_courses.build import build_sample
from tests.browser.test_demo import Demo, act_as, shoot

pytestmark = [
    pytest.mark.browser,
    pytest.mark.deep("every page and size; the gate holds the journeys"),
]


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1100, "height": 860})
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


def open_picker(page: Any, demo: Demo) -> Any:
    act_as(page, demo, "Ida Ivarsson")
    page.get_by_role("link", name="Add an activity from").first.click()
    frame = page.frame_locator("iframe.tool")
    frame.get_by_role("heading", name="Add a SCORM course").wait_for()
    return frame


def press(frame: Any, name: str) -> None:
    frame.get_by_role("button", name=name, exact=True).click()


def test_picked_course_opens_for_a_learner(page: Any, demo: Demo) -> None:
    frame = open_picker(page, demo)
    shoot(page, f"{demo.dialect}-picker")
    row = frame.locator("li").first
    if demo.dialect == "moodle":  # it takes several, Canvas's placements one
        row.get_by_role("checkbox").check()
        press(frame, "Continue with 1 course")
    else:
        row.get_by_role("button", name="Choose").click()
    frame.get_by_label("Title that learners see").fill("Picked by Ida")
    press(frame, "Add to my course")
    frame.get_by_role("heading", name="Added to the course").wait_for()
    shoot(page, f"{demo.dialect}-picked")
    assert frame.get_by_text("Picked by Ida (100 points)").count() == 1

    act_as(page, demo, "Alice Andersen")
    page.locator(".card", has_text="Picked by Ida").get_by_role("link", name="Open").click()

    player = page.frame_locator("iframe.tool")
    player.get_by_role("button", name="Exit course").wait_for()


def test_uploaded_package_is_added(page: Any, demo: Demo, tmp_path: Path) -> None:
    package = tmp_path / "Brand new.zip"
    package.write_bytes(build_sample("scorm12-quiz"))
    frame = open_picker(page, demo)

    press(frame, "Upload a package")
    frame.get_by_label("Package (zip)").set_input_files(package)
    press(frame, "Upload")
    frame.get_by_role("heading", name="The course is ready").wait_for()
    shoot(page, f"{demo.dialect}-uploaded")
    press(frame, "Use this course")
    frame.get_by_label("Title that learners see").fill("Brand new")
    press(frame, "Add to my course")
    frame.get_by_role("heading", name="Added to the course").wait_for()

    page.goto(demo.lms)
    assert page.locator(".card", has_text="Brand new").count() == 1


def test_cancelled_picker_adds_nothing(page: Any, demo: Demo) -> None:
    frame = open_picker(page, demo)
    cards = page.context.new_page()
    cards.goto(demo.lms)
    before = cards.locator(".card").count()

    press(frame, "Cancel")

    frame.get_by_role("heading", name="Nothing was added").wait_for()
    cards.reload()
    assert cards.locator(".card").count() == before
