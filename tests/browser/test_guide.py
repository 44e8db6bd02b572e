"""From an empty machine to a first grade by the console's guide alone, in a real browser."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from lti_sandbox.practice_lms import create_practice_lms
from lti_sandbox.practice_scorm_cloud import create_practice_scorm_cloud
from lti_sandbox.sample_courses.build import build_sample
from lti_sandbox.server import serve
from tests.browser import axe
from tests.browser.test_demo import ARRIVED, QUIZZES, ROOT, page, shoot, take_quiz
from tests.browser.test_practice_picking import press
from tests.ports import free_port
from tests.story.stage import wait_for

__all__ = ["page"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(300),
    pytest.mark.deep("every page and size; the gate holds the journeys"),
]
PASSWORD = "correct horse battery"
# Every page that stands in the console's menu or behind a button of the guide.
PAGES = ["", "guide", "activities", "learners", "learners/1", "platforms", "platforms/1"]
PAGES += ["platforms/new", "platforms/1/edit", "platforms/1/settings", "platforms/1/disable"]
PAGES += ["accounts", "accounts/new", "accounts/1", "keys", "checks", "people", "audit", "password"]
PAGES += ["learners/attempts/1/reset", "courses", "courses/1/one?course_id=fire-safety"]
PAGES += ["courses/1/upload", "problems/", "problems/refused", "alerts", "alerts/mail"]
PAGES += ["alerts/new/email", "alerts/new/webhook"]


@dataclass
class Machine:
    """A bridge that `serve` has just started; an LMS and a SCORM Cloud that do not know it."""

    bridge: str
    first_link: str
    lms: str
    cloud: str
    dialect: str


@pytest.fixture(params=["canvas", "moodle"])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    """An empty bridge as a process of its own, and the practice servers."""
    port, output = free_port(), tmp_path / "output.txt"
    url = f"http://127.0.0.1:{port}"
    outer = {key: value for key, value in os.environ.items() if not key.startswith("LTI_BRIDGE")}
    settings = {
        "LTI_BRIDGE_DATA_DIR": str(tmp_path / "data"),
        "LTI_BRIDGE_PUBLIC_URL": url,
        "LTI_BRIDGE_LAUNCH__ALLOW_PRIVATE_NETWORKS": "true",
    }
    command = [sys.executable, "-m", "lti_bridge", "serve", "--port", str(port), "--workers", "1"]
    with output.open("w") as file:
        process = subprocess.Popen(
            command, env={**outer, **settings}, stdout=file, stderr=file, cwd=ROOT
        )
    try:
        with (
            serve(create_practice_lms(dialect=request.param)) as lms,
            serve(create_practice_scorm_cloud()) as cloud,
        ):
            wait_for(lambda: "Listening" in output.read_text(), "the bridge to listen")
            link = re.search(r"http\S+invite=\S+", output.read_text())
            assert link is not None
            yield Machine(url, link[0], lms.url, cloud.url, request.param)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, output.read_text()


def make_account(page: Any, machine: Machine) -> None:
    page.goto(machine.first_link)
    page.get_by_label("Name").fill("olga")
    for field in page.locator("input[type=password]").all():
        field.fill(PASSWORD)
    page.locator("main button").click()
    page.get_by_role("heading", name="Set-up guide").wait_for()


def add_scorm_cloud(page: Any, machine: Machine) -> None:
    page.get_by_role("link", name="Add the account").click()
    page.get_by_label("Name").fill("main")
    page.get_by_label("Address of the API").fill(f"{machine.cloud}/api/v2")
    page.get_by_label("App id").fill("practice")
    page.get_by_label("Secret key").fill("mistyped")
    press(page, "Try the keys and save")
    page.get_by_role("alert").get_by_text("Copy the app id").wait_for()
    page.get_by_label("Secret key").fill("practice")
    press(page, "Try the keys and save")
    page.get_by_text("the account is ready").wait_for()


def connect_lms(page: Any, admin: Any, machine: Machine) -> None:
    page.goto(f"{machine.bridge}/console/guide")
    page.get_by_role("link", name=machine.dialect.capitalize(), exact=True).click()
    axe.check(page, "the guide's ways to connect")
    press(page, "Make the address")
    address = page.locator("#invite").inner_text()
    axe.check(page, "an invite")
    admin.goto(f"{machine.lms}/tools")
    admin.get_by_label("Registration URL of the tool").fill(address)
    press(admin, "Register")
    press(admin.frame_locator("iframe.tool"), "Connect")
    admin.wait_for_url(f"{machine.lms}/tools")
    if machine.dialect == "moodle":
        press(admin.locator(".card", has_text="LTI Bridge"), "Activate")


def add_course(teacher: Any, machine: Machine, package: Path) -> None:
    teacher.goto(machine.lms)
    teacher.get_by_role("button", name="Ida Ivarsson").click()
    teacher.get_by_role("link", name="Add an activity from").first.click()
    frame = teacher.frame_locator("iframe.tool")
    press(frame, "Upload a package")
    frame.get_by_label("Package (zip)").set_input_files(package)
    press(frame, "Upload")
    press(frame, "Use this course")
    frame.get_by_label("Title that learners see").fill("Fire safety")
    press(frame, "Add to my course")
    frame.get_by_role("heading", name="Added to the course").wait_for()


def learn(learner: Any, machine: Machine) -> None:
    learner.goto(machine.lms)
    learner.get_by_role("button", name="Alice Andersen").click()
    learner.locator(".card", has_text="Fire safety").get_by_role("link", name="Open").click()
    player = learner.frame_locator("iframe.tool")
    take_quiz(player, QUIZZES[0], 3)
    press(player, "Exit course")
    player.get_by_role("heading", name=ARRIVED[machine.dialect]).wait_for(timeout=40_000)


def done(page: Any, step: str) -> Any:
    return page.get_by_role("heading", name=f"{step} done")


def grades(machine: Machine) -> list[float | None]:
    rows = requests.get(f"{machine.lms}/control/grades", timeout=10).json()["grades"]
    return [row["score"] for row in rows if row["score"] is not None]


def test_guide_leads_to_a_first_grade(page: Any, machine: Machine, tmp_path: Path) -> None:
    package = tmp_path / "Fire safety.zip"
    package.write_bytes(build_sample(QUIZZES[0]))
    lms = page.context.new_page()

    make_account(page, machine)
    add_scorm_cloud(page, machine)
    connect_lms(page, lms, machine)
    page.goto(f"{machine.bridge}/console/guide")
    done(page, "2. Your LMS").wait_for()
    add_course(lms, machine, package)
    learn(lms, machine)

    # No reload: the page asks by itself.
    done(page, "4. A course in an activity").wait_for()
    press(page, "Test everything")
    page.get_by_text("a test message arrived").wait_for()
    page.goto(f"{machine.bridge}/console/guide")
    page.get_by_text("Everything is set up").wait_for()
    assert grades(machine) == [75.0]
    if machine.dialect == "canvas":
        look_at_every_page(page, machine)
        upload_a_new_version(page, machine, package)


def upload_a_new_version(page: Any, machine: Machine, package: Path) -> None:
    """The same file once more: the bridge asks, and SCORM Cloud keeps both."""
    page.goto(f"{machine.bridge}/console/courses")
    press_link(page, "Fire safety")
    press_link(page, "Upload a new version")
    page.get_by_label("Package (zip)").set_input_files(package)
    press(page, "Upload")
    page.get_by_role("group", name="This id is taken").wait_for()
    axe.check(page, "a new version", used=True)
    shoot(page, "console-new-version")
    page.get_by_label("This is a new version").check()
    press(page, "Upload")
    page.get_by_role("heading", name="The course is ready").wait_for()
    axe.check(page, "an import", used=True)
    shoot(page, "console-import")
    page.get_by_text("version 2").wait_for()
    press_link(page, "Look at the course")
    with page.context.expect_page() as opened:
        press(page, "Preview")
    opened.value.wait_for_url(f"{machine.cloud}/**")


def press_link(page: Any, name: str) -> None:
    page.get_by_role("link", name=name).first.click()


def look_at_every_page(page: Any, machine: Machine) -> None:
    """Hold every page of the used console against axe, with few bytes and no layout shift."""
    for path in PAGES:
        answer = page.goto(f"{machine.bridge}/console/{path}")
        assert answer.status == 200, path
        axe.check(page, path)
        shoot(page, f"console-{path.partition('?')[0].replace('/', '-')}")
