"""Several pages in a real browser: the menu, a run-time for each, leaving and coming back."""

import io
import zipfile
from typing import Any

import pytest

from lti_sandbox.sample_courses import KINDS
from tests.lti_sandbox.scorm_cloud.practice import Practice, wait_until
from tests.lti_sandbox.scorm_cloud.visits import add_registration, item, package

pytestmark = [pytest.mark.browser]

# A page that says what it finds, and reports when it is left only.
PAGE = """<!doctype html><title>Page</title><p id="found"></p><a href="page.html?2">Go on</a>
<script>
var api = parent.API;
var begun = api.LMSInitialize("");
document.getElementById("found").textContent = begun + " " + api.LMSGetValue("cmi.suspend_data");
window.addEventListener("%s", function () {
  api.LMSSetValue("cmi.suspend_data", api.LMSGetValue("cmi.suspend_data") + "x");
  api.LMSSetValue("cmi.core.lesson_status", "completed");
  api.LMSFinish("");
});
</script>"""


def with_page(body: bytes, page: str) -> bytes:
    """Return a package whose page is another one."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(packed, "w") as new:
        new.writestr("imsmanifest.xml", old.read("imsmanifest.xml"))
        new.writestr("page.html", page)
    return packed.getvalue()


@pytest.mark.deep("a second of Chromium for each event; the sample journeys finish so too")
@pytest.mark.parametrize("event", ["unload", "pagehide"])
def test_page_that_reports_when_it_is_left(page: Any, practice: Practice, event: str) -> None:
    add_registration(practice, with_page(package("1.2", item("one"), item("two")), PAGE % event))
    page.goto(practice.launch_link("seat-1", practice.url + "/?back"))
    sco = page.frame_locator("#sco")

    sco.get_by_text("true", exact=True).wait_for()
    sco.get_by_role("link", name="Go on").click()
    sco.get_by_text("true x", exact=True).wait_for()
    page.get_by_role("button", name="Next").click()
    sco.get_by_text("true", exact=True).wait_for()
    page.get_by_role("button", name="one", exact=True).click()
    sco.get_by_text("true xx", exact=True).wait_for()
    page.close()

    def told() -> Any:
        activity = practice.everything("seat-1")["progress"]["activityDetails"]
        return [one["runtime"]["suspendData"] for one in activity["children"]]

    wait_until(lambda: told() == ["xxx", "x"])
    assert practice.everything("seat-1")["completion"] == "COMPLETED"


def test_sample_with_several_pages(page: Any, practice: Practice) -> None:
    practice.register("seat-1", practice.add_course("scorm2004-several"))
    page.goto(practice.launch_link("seat-1", practice.url + "/?back"))
    sco = page.frame_locator("#sco")
    sco.get_by_role("button", name="I have read this").click()
    page.locator("#pages small", has_text="done").wait_for()
    page.get_by_role("button", name="Next").click()
    sco.get_by_role("heading", name="Raise the alarm").wait_for()
    page.get_by_role("button", name="Exit course").click()
    page.wait_for_url("**/?back")
    middle = practice.everything("seat-1")

    page.goto(practice.launch_link("seat-1", practice.url + "/?back"))
    sco.get_by_role("heading", name="Raise the alarm").wait_for()
    sco.get_by_role("button", name="I have read this").click()
    page.get_by_role("button", name="Getting out, and the quiz").click()
    sco.get_by_role("button", name="Start the quiz").click()
    for number, question in enumerate(KINDS["scorm12-quiz"].course["questions"]):
        sco.get_by_role("radio").nth(number * 3 + question["correct"]).check()
    sco.get_by_role("button", name="Submit answers").click()
    sco.locator("#score").wait_for()
    page.get_by_role("button", name="Exit course").click()
    page.wait_for_url("**/?back")

    assert middle["completion"] != "COMPLETED" and middle["scaled"] is None
    assert middle["progress"]["suspendedActivityId"] == "item_2"
    told = practice.everything("seat-1")
    assert (told["completion"], told["success"], told["scaled"]) == ("COMPLETED", "PASSED", 100)


@pytest.mark.deep("waits for the player to try again")
def test_failed_save_is_told_and_repeated(page: Any, practice: Practice) -> None:
    practice.register("seat-1", practice.add_course())
    page.route("**/commit", lambda route: route.fulfill(status=503, body="down"))
    page.goto(practice.launch_link("seat-1"))
    page.get_by_text("Not saved. Trying again").wait_for()
    assert practice.everything("seat-1")["completion"] == "UNKNOWN"

    page.unroute("**/commit")

    page.get_by_text("Progress saved").wait_for()
    assert practice.everything("seat-1")["completion"] == "INCOMPLETE"
