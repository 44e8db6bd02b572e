"""What a newcomer does after `make demo`, in a real browser: click, learn, exit, see the grade."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from lti_sandbox.sample_courses import KINDS
from lti_sandbox.sample_courses.build import title
from tests.ports import free_ports
from tests.story.stage import wait_for

# Moodle shows the grade when it is asked after the post; what Canvas shows is an echo of the post.
ARRIVED = {"moodle": "Your grade is in the gradebook", "canvas": "The LMS has your grade"}

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = os.environ.get("LTI_BRIDGE_SCREENSHOTS")
QUIZZES = ("scorm12-quiz", "scorm2004-quiz")


@dataclass
class Demo:
    """A running demo: its addresses, and what its commands are configured by."""

    lms: str
    scorm_cloud: str
    dialect: str
    output: Path
    config: Path


@pytest.fixture(scope="module", params=["canvas", "moodle"])
def demo(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Demo]:
    """`lti-bridge demo` as a process of its own, ended by Ctrl-C."""
    port = free_ports(3)
    folder = tmp_path_factory.mktemp("demo")
    output = folder / "output.txt"
    command = [sys.executable, "-m", "lti_bridge", "demo", "--port", str(port)]
    command += ["--data-dir", str(folder / "data")]
    with output.open("w") as file:
        process = subprocess.Popen(
            [*command, "--dialect", request.param], stdout=file, stderr=file, cwd=ROOT
        )
    try:
        wait_for(lambda: "Ctrl-C ends" in output.read_text(), "the demo to start", 60)
        lms = f"http://127.0.0.1:{port}"
        config = folder / "data" / "demo.toml"
        yield Demo(lms, _scorm_cloud(port), request.param, output, config)
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0


def _scorm_cloud(port: int) -> str:
    """Return the practice SCORM Cloud among the two ports after the LMS's."""
    for candidate in (port + 1, port + 2):
        url = f"http://127.0.0.1:{candidate}"
        if requests.get(f"{url}/control/registrations", timeout=10).status_code == 200:
            return url
    raise AssertionError("no practice SCORM Cloud answers")


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def fresh_learner(request: pytest.FixtureRequest) -> str:
    """A learner who has no registration yet, also when the test is run once more."""
    if request.getfixturevalue("lag"):
        return "Carla Mendes"
    return "Ben Okafor" if getattr(request.node, "execution_count", 1) > 1 else "Alice Andersen"


def shoot(page: Any, name: str) -> None:
    """Keep a picture when a folder for them is set."""
    if SCREENSHOTS:
        page.bring_to_front()
        Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
        page.wait_for_timeout(200)  # Chromium takes no picture of a page that just came to front
        page.screenshot(path=str(Path(SCREENSHOTS) / f"{name}.png"))


def act_as(page: Any, demo: Demo, name: str) -> None:
    page.goto(demo.lms)
    page.get_by_role("button", name=name).click()


def open_activity(page: Any, kind: str) -> Any:
    """Open an activity on the course page and return the player's frame."""
    page.locator(".card", has_text=title(kind)).get_by_role("link", name="Open").click()
    return page.frame_locator("iframe.tool")


def take_quiz(player: Any, kind: str, right: int) -> None:
    """Answer the first `right` questions rightly and the others wrongly."""
    course = player.frame_locator("#sco")
    course.get_by_role("button", name="Start the quiz").click()
    for number, question in enumerate(KINDS[kind].course["questions"]):
        correct = question["correct"]
        choice = correct if number < right else (correct + 1) % 3
        course.get_by_role("radio").nth(number * 3 + choice).check()
    course.get_by_role("button", name="Submit answers").click()
    course.locator("#score").wait_for()


def cell(gradebook: Any, kind: str, name: str) -> Any:
    row = gradebook.locator("tr", has_text=title(kind)).filter(has_text=name)
    return row.locator("td.score")


@pytest.mark.parametrize(
    ("kind", "lag"),
    [
        (QUIZZES[0], 0),
        (QUIZZES[1], 0),
        pytest.param(QUIZZES[1], 6, marks=pytest.mark.deep("waits for results that lag")),
    ],
    ids=["scorm12", "scorm2004", "scorm2004 with a lag"],
)
def test_grade_arrives_without_a_reload(
    page: Any, demo: Demo, kind: str, lag: int, fresh_learner: str
) -> None:
    name = fresh_learner
    right, score = (3, "75") if kind == QUIZZES[0] else (4, "100")
    faults = {"result_lag_seconds": lag} if lag else {}
    requests.put(f"{demo.scorm_cloud}/control/faults", json=faults, timeout=10)
    act_as(page, demo, name)
    shoot(page, f"{demo.dialect}-course")
    gradebook = page.context.new_page()
    gradebook.goto(f"{demo.lms}/gradebook")
    gradebook.evaluate("window.sameDocument = true")
    page.bring_to_front()  # a page behind another one hardly moves

    player = open_activity(page, kind)
    player.frame_locator("#sco").get_by_role("button", name="Start the quiz").wait_for()
    shoot(page, f"{demo.dialect}-{kind}-player")
    take_quiz(player, kind, right)
    shoot(page, f"{demo.dialect}-{kind}-scored")
    player.get_by_role("button", name="Exit course").click()
    player.get_by_role("heading").first.wait_for()
    shoot(page, f"{demo.dialect}-{kind}-leaving")
    player.get_by_role("heading", name=ARRIVED[demo.dialect]).wait_for(timeout=40_000)
    shoot(page, f"{demo.dialect}-{kind}-home")

    assert player.locator("#number").inner_text() == score
    gradebook.bring_to_front()
    cell(gradebook, kind, name).filter(has_text=f"{score} / 100").wait_for()
    shoot(gradebook, f"{demo.dialect}-{kind}-gradebook")
    assert gradebook.evaluate("window.sameDocument") is True


def test_instructor_gets_a_preview_and_no_registration(page: Any, demo: Demo) -> None:
    def registrations() -> list[str]:
        answer = requests.get(f"{demo.scorm_cloud}/control/registrations", timeout=10)
        return list(answer.json()["registrations"])

    before = registrations()
    act_as(page, demo, "Ida Ivarsson")

    tool = open_activity(page, QUIZZES[0])
    shoot(page, f"{demo.dialect}-instructor")
    tool.get_by_role("button", name="Preview").click()
    tool.frame_locator("#sco").get_by_role("button", name="Start the quiz").wait_for()

    assert registrations() == before


def test_exit_page_works_without_scripts(browser: Any, demo: Demo) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 800})
    page = context.new_page()
    cookie = {"name": "practice_lms_session", "value": "carla", "url": demo.lms}
    context.add_cookies([cookie])
    page.goto(demo.lms)
    card = page.locator(".card", has_text=title(QUIZZES[0]))
    # A window that the link itself opens may be read before Chromium is told to run no scripts in
    # it: then its <noscript> stays hidden for good.
    address = card.get_by_role("link", name="new window").get_attribute("href")
    form = context.new_page()
    form.goto(f"{demo.lms}{address}")
    for _ in range(2):
        with form.expect_navigation():
            form.get_by_role("button", name="Continue").click()
    made = requests.get(f"{demo.scorm_cloud}/control/registrations", timeout=10).json()
    registration = made["registrations"][-1]
    url = f"{demo.scorm_cloud}/control/registrations/{registration}"
    requests.put(
        url, json={"completion": "COMPLETED", "success": "PASSED", "scaled": 91}, timeout=10
    )

    form.goto(requests.get(url, timeout=10).json()["redirect_on_exit_url"])
    form.get_by_role("heading", name=ARRIVED[demo.dialect]).wait_for()
    shoot(form, f"{demo.dialect}-exit-phone")

    assert "91" in form.locator("#score").inner_text()
    assert form.get_by_role("link", name="Back to your course").count() == 1
    context.close()
