"""Real packages by other authors: uploaded, left in the middle, resumed, finished, graded.

`LTI_BRIDGE_TEST_PACKAGES` names the folder they lie in; the project contains none.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.browser.test_demo import ARRIVED, Demo, act_as, shoot
from tests.browser.uploads import upload

PACKAGES = os.environ.get("LTI_BRIDGE_TEST_PACKAGES")
GOLF = {"golf-scorm-1.2": 16, "golf-scorm-2004-3rd": 15}  # and their pages, the quiz the last
WITHOUT_ORGANIZATION = "golf-scorm-1.2-no-organization"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.deep("packages that the project does not contain"),
    pytest.mark.skipif(not PACKAGES, reason="LTI_BRIDGE_TEST_PACKAGES names no folder"),
]


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page whose dialogs are accepted: save, resume."""
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    context.set_default_timeout(20_000)
    page = context.new_page()
    page.on("dialog", lambda dialog: dialog.accept())
    yield page
    context.close()


def package(name: str) -> Path:
    return Path(str(PACKAGES)) / f"{name}.zip"


def courses(demo: Demo) -> list[str]:
    answer = requests.get(
        f"{demo.scorm_cloud}/api/v2/courses", auth=("practice", "practice"), timeout=10
    )
    return [course["id"] for course in answer.json()["courses"]]


def open_golf(page: Any, demo: Demo, name: str) -> Any:
    """Open the activity; returns the course's own frame, with its buttons."""
    page.goto(demo.lms)
    page.locator(".card", has_text=name).get_by_role("link", name="Open").click()
    return page.frame_locator("iframe.tool").frame_locator("#sco")


def shown_page(course: Any) -> str:
    address: str = course.locator("#contentFrame").evaluate("frame => frame.src")
    return address.rsplit("/", 1)[-1]


def answer_quiz(course: Any, wrong: int) -> int:
    """Answer all questions but the first `wrong` rightly; returns the score that is shown."""
    quiz = course.frame_locator("#contentFrame")
    quiz.get_by_role("button", name="Submit Answers").wait_for()
    for place, right in enumerate(quiz.locator(".correctAnswer").all()):
        if place < wrong:
            continue
        if right.locator("input[type=radio]").count():
            right.locator("input").check()
        else:
            right.locator("input").fill(re.sub(r"\D", "", right.inner_text()))
    quiz.get_by_role("button", name="Submit Answers").click()
    shown: str = quiz.locator("h3", has_text="Score:").inner_text()
    return int(shown.removeprefix("Score: "))


@pytest.mark.parametrize("name", GOLF)
def test_course_is_left_resumed_and_graded(page: Any, demo: Demo, name: str) -> None:
    uploaded = upload(demo.config, package(name), name)
    assert uploaded.returncode == 0, uploaded.stderr
    entry = {"title": name, "line_item": "coupled", "custom": {"scorm_course_id": name}}
    requests.put(f"{demo.lms}/control/activities", json=[entry], timeout=10).raise_for_status()
    act_as(page, demo, "Alice Andersen")
    tool = page.frame_locator("iframe.tool")

    course = open_golf(page, demo, name)
    for _ in range(6):
        course.get_by_role("button", name="Next ->").click()
    left_at = shown_page(course)
    shoot(page, f"{demo.dialect}-{name}-middle")
    course.get_by_role("button", name="Exit").click()
    if "1.2" in name:  # in SCORM 1.2 content cannot ask the player to end
        tool.get_by_role("button", name="Exit course").click()
    tool.locator("#home #title").wait_for()
    shoot(page, f"{demo.dialect}-{name}-left")

    course = open_golf(page, demo, name)
    course.get_by_role("button", name="Next ->").wait_for()
    assert shown_page(course) == left_at
    for _ in range(GOLF[name] - 7):
        course.get_by_role("button", name="Next ->").click()
    score = answer_quiz(course, wrong=4)
    assert 0 < score < 100
    shoot(page, f"{demo.dialect}-{name}-scored")
    course.get_by_role("button", name="Exit").click()
    if "1.2" in name:
        tool.get_by_role("button", name="Exit course").click()
    tool.get_by_role("heading", name=ARRIVED[demo.dialect]).wait_for()
    shoot(page, f"{demo.dialect}-{name}-home")

    page.goto(f"{demo.lms}/gradebook")
    row = page.locator("tr", has_text=name).filter(has_text="Alice Andersen")
    row.locator("td.score", has_text=f"{score} / 100").wait_for()
    shoot(page, f"{demo.dialect}-{name}-gradebook")


def test_package_without_a_course_is_refused_in_words(demo: Demo) -> None:
    before = courses(demo)

    refused = upload(demo.config, package(WITHOUT_ORGANIZATION), WITHOUT_ORGANIZATION)

    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    assert "organization" in refused.stderr
    assert courses(demo) == before
