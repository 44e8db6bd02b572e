"""Every package of a folder, and those that we build: played to its exit, one line for each.

`LTI_BRIDGE_TEST_PACKAGES` names the folder. A line reads: package -> what the course said ->
result -> grade. No grade is ever over what the course said.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.browser.test_demo import Demo, act_as
from tests.browser.uploads import upload
from tests.packages.autoplay import Said, play
from tests.packages.ten import MADE

FOLDER = os.environ.get("LTI_BRIDGE_TEST_PACKAGES")
FOUND = sorted(Path(FOLDER).glob("*.zip")) if FOLDER else []
GRADE_SECONDS = 20

pytestmark = [
    pytest.mark.browser,
    pytest.mark.deep("plays whole packages in a browser"),
    pytest.mark.parametrize("demo", ["moodle"], indirect=True),
]


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page whose dialogs are accepted: save, resume, leave."""
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    context.set_default_timeout(20_000)
    page = context.new_page()
    page.on("dialog", lambda dialog: dialog.accept())
    yield page
    context.close()


def play_to_the_grade(page: Any, demo: Demo, package: Path) -> tuple[Said, str, float | None]:
    """Upload, launch, play, leave; returns what was said, the result, and the grade."""
    name = package.stem
    uploaded = upload(demo.config, package, name)
    if uploaded.returncode:
        return Said(), f"not imported: {uploaded.stderr.strip()}", None
    entry = {"title": name, "line_item": "coupled", "custom": {"scorm_course_id": name}}
    requests.put(f"{demo.lms}/control/activities", json=[entry], timeout=10).raise_for_status()
    before = registrations(demo)
    said = Said()
    page.context.on("request", said.hear)
    act_as(page, demo, "Alice Andersen")
    page.locator(".card", has_text=name).get_by_role("link", name="Open").first.click()
    page.frame_locator("iframe.tool").locator("#exit").wait_for()

    play(page)

    (made,) = registrations(demo) - before
    shown = requests.get(f"{demo.scorm_cloud}/control/registrations/{made}", timeout=10).json()
    result = f"{shown['completion']} {shown['success']} {shown['scaled']}"
    return said, result, grade(demo)


def registrations(demo: Demo) -> set[str]:
    answer = requests.get(f"{demo.scorm_cloud}/control/registrations", timeout=10)
    return set(answer.json()["registrations"])


def grade(demo: Demo) -> float | None:
    """Return the grade in the only column once it has come, None when none comes."""
    ends = time.monotonic() + GRADE_SECONDS
    while time.monotonic() < ends:
        cells = requests.get(f"{demo.lms}/control/grades", timeout=10).json()["grades"]
        scores = [cell["score"] for cell in cells if cell["score"] is not None]
        if scores:
            return float(scores[0])
        time.sleep(0.3)
    return None


def tell(name: str, said: Said, result: str, graded: float | None) -> None:
    print(f"\n{name} -> {said} -> {result} -> {'no grade' if graded is None else graded}")


@pytest.mark.parametrize("name", MADE)
def test_made_package_plays_to_its_result(page: Any, demo: Demo, name: str, tmp_path: Path) -> None:
    made = MADE[name]
    package = tmp_path / f"{name}.zip"
    package.write_bytes(made.build())

    said, result, graded = play_to_the_grade(page, demo, package)

    tell(name, said, result, graded)
    right = made.right
    if made.several:
        assert graded is None or graded == right.score
    else:
        assert result.split()[0] == right.completion
        assert graded == right.score


@pytest.mark.skipif(not FOUND, reason="LTI_BRIDGE_TEST_PACKAGES names no folder with zips")
@pytest.mark.parametrize("package", FOUND, ids=lambda path: path.stem)
def test_found_package_claims_no_more_than_it_said(page: Any, demo: Demo, package: Path) -> None:
    said, result, graded = play_to_the_grade(page, demo, package)

    tell(package.stem, said, result, graded)
    if graded is not None and said.score is not None:
        assert graded <= said.score + 0.01
