"""What an owner does at the console, in a real browser: by keyboard, by mouse, held against axe."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.browser import axe
from tests.browser.test_demo import Demo, page, shoot
from tests.browser.test_staff import finish
from tests.story.stage import wait_for

__all__ = ["page"]
# The console is the same for every LMS.
pytestmark = [
    pytest.mark.browser,
    pytest.mark.deep("every page and size; the gate holds the journeys"),
    pytest.mark.timeout(300),
    pytest.mark.parametrize("demo", ["canvas"], indirect=True, scope="module"),
]
PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def account(demo: Demo, browser: Any) -> str:
    """The address of the console; its first owner is made by keyboard alone."""
    link = re.search(r"http\S+invite=\S+", demo.output.read_text())
    assert link is not None
    context = browser.new_context()
    page = context.new_page()
    page.goto(link[0])
    axe.check(page, "welcome")
    tab_to(page, "name")
    page.keyboard.type("olga")
    for _ in range(2):
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("navigation", name="Console").wait_for()
    context.close()
    return link[0].partition("/console")[0] + "/console"


def tab_to(page: Any, name: str) -> None:
    """Press Tab until the field or link of this name or id has the focus."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name || document.activeElement.id") == name:
            return
    raise AssertionError(f"no way to {name} by keyboard")


@pytest.fixture
def owner(page: Any, account: str) -> Iterator[Any]:
    """A page on which the owner has signed in, by keyboard."""
    page.goto(f"{account}/sign-in")
    tab_to(page, "name")
    page.keyboard.type("olga")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Overview").wait_for()
    return page


def press(page: Any, name: str) -> None:
    page.get_by_role("button", name=name).click()


def find(owner: Any, account: str, name: str) -> None:
    owner.goto(f"{account}/learners")
    owner.get_by_label("Name, email").fill(name)
    owner.get_by_label("Name, email").press("Enter")
    owner.get_by_role("link", name=name).click()


def test_first_tab_leads_past_the_menu(owner: Any, account: str, demo: Demo) -> None:
    owner.goto(f"{account}/")
    owner.keyboard.press("Tab")
    assert owner.evaluate("document.activeElement.textContent") == "To the page's content"
    owner.keyboard.press("Enter")

    assert owner.evaluate("document.activeElement.id") == "page"


def test_wrong_password_is_told(page: Any, account: str, demo: Demo) -> None:
    page.goto(f"{account}/sign-in")
    axe.check(page, "sign in")
    page.get_by_label("Name").fill("olga")
    page.get_by_label("Password").fill("wrong")
    press(page, "Sign in")

    page.get_by_role("alert").wait_for()
    axe.check(page, "a wrong password", used=True)
    shoot(page, "console-wrong-password")


def test_owner_helps_a_learner(owner: Any, account: str, demo: Demo, browser: Any) -> None:
    """Every button of a learner's story, to the end: reset, data handed out, learner erased."""
    learner = browser.new_context().new_page()
    finish(learner, demo, 85.5)
    find(owner, account, "Alice Andersen")
    axe.check(owner, "a story")
    shoot(owner, "console-story")

    press(owner, "Read again")
    owner.get_by_text("It is read again.").wait_for()
    press(owner, "Allow another attempt")
    owner.get_by_text("Another attempt is allowed").wait_for()
    owner.get_by_role("link", name="Send again").click()
    axe.check(owner, "send again")
    press(owner, "Send it again")
    owner.get_by_text("It is decided anew and sent").first.wait_for()

    owner.get_by_role("link", name="Reset attempt 1").click()
    owner.get_by_label("I know that this cannot be undone").press("Space")
    press(owner, "Reset for good")
    owner.get_by_text("The attempt was reset. The gradebook keeps its grade.").wait_for()
    cells = requests.get(f"{demo.lms}/control/grades", timeout=10).json()["grades"]
    assert [cell["score"] for cell in cells if cell["score"] is not None] == [85.5]

    with owner.expect_download() as download:
        press(owner, "Download everything")
    kept = json.loads(Path(download.value.path()).read_text("utf-8"))
    assert "Alice" in json.dumps(kept)

    owner.get_by_role("link", name="Erase").click()
    axe.check(owner, "erase")
    owner.get_by_label("Type the user id").fill("somebody")
    press(owner, "Erase for good")
    owner.get_by_text("That is not the user id; nothing was erased.").wait_for()
    owner.get_by_label("Type the user id").fill(owner.locator("label code").inner_text())
    press(owner, "Erase for good")
    owner.get_by_role("heading", name="Everything is erased").wait_for()
    axe.check(owner, "erased")
    shoot(owner, "console-erased")
    owner.get_by_role("link", name="To the learners").click()
    owner.get_by_label("Name, email").fill("Alice")
    press(owner, "Search")
    owner.get_by_text("Nobody was found").wait_for()

    owner.goto(f"{account}/audit")
    told = owner.locator("main table").inner_text()
    for said in ("asked to erase", "asked to reset", "took everything", "to send the grade again"):
        assert said in told, told


def test_owner_changes_how_a_platform_is_served(owner: Any, account: str, demo: Demo) -> None:
    owner.goto(f"{account}/platforms")
    owner.locator("main table a").first.click()
    platform = owner.url
    owner.goto(f"{platform}/settings")
    owner.get_by_label("Which attempt is the grade").select_option("average")
    owner.get_by_label("Sites that may show").fill("not a site")
    press(owner, "Save")
    owner.get_by_text("is no site").wait_for()
    axe.check(owner, "wrong settings", used=True)
    owner.get_by_label("Sites that may show").fill("https://portal.school.example")
    press(owner, "Save")
    owner.get_by_text("the average of all").wait_for()

    owner.goto(f"{platform}/disable")
    press(owner, "Stop its launches")
    press(owner, "Let it launch again")
    press(owner, "Test it now")
    owner.get_by_text(re.compile("Everything is in order|It works;")).wait_for(timeout=40_000)


def test_owner_sees_what_is_wrong_and_who_is_told(owner: Any, account: str, demo: Demo) -> None:
    """SCORM Cloud goes away: within a minute it is on the page, told to a webhook, and over."""
    owner.goto(f"{account}/problems/")
    owner.get_by_text("does not answer").wait_for(state="hidden")
    owner.goto(f"{account}/alerts/new/webhook")
    axe.check(owner, "a new webhook")
    owner.get_by_label("Name").fill("Operations")
    owner.get_by_label("Address").fill(f"{demo.lms}/nobody-is-here")
    press(owner, "Add it")
    shoot(owner, "console-alert-secret")
    axe.check(owner, "a webhook's secret")
    set_faults(demo, error_status=503, error_rate=1.0)
    try:
        _wait_for_page(owner, f"{account}/problems/", "SCORM Cloud does not answer", there=True)
        axe.check(owner, "a problem")
        shoot(owner, "console-problem")
        owner.goto(f"{account}/")
        owner.get_by_text("SCORM Cloud does not answer").wait_for()
        axe.check(owner, "the overview with a problem")
    finally:
        set_faults(demo)

    owner.goto(f"{account}/problems/")
    card = owner.locator("section", has_text="SCORM Cloud does not answer")
    card.get_by_role("button", name="Test again").click()
    _wait_for_page(owner, f"{account}/problems/", "SCORM Cloud does not answer", there=False)


def set_faults(demo: Demo, **faults: Any) -> None:
    url = f"{demo.scorm_cloud}/control/faults"
    assert requests.put(url, json=faults, timeout=10).status_code == 200


def _wait_for_page(owner: Any, address: str, text: str, *, there: bool) -> None:
    def is_so() -> bool:
        owner.goto(address)
        return owner.get_by_text(text).is_visible() is there

    wait_for(is_so, f"{text}: {there}", 80)
