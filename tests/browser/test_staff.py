"""What staff see when they open an activity: its course, another to choose, a learner's result."""

from typing import Any

import pytest
import requests

from lti_sandbox.sample_courses import course_id
from lti_sandbox.sample_courses.build import title
from tests.browser import axe
from tests.browser.test_demo import ARRIVED, QUIZZES, Demo, act_as, open_activity, shoot, take_quiz
from tests.story.stage import wait_for

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(300),
    pytest.mark.deep("every page and size; the gate holds the journeys"),
]


@pytest.fixture
def page(browser: Any) -> Any:
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


def registrations(demo: Demo) -> list[str]:
    url = f"{demo.scorm_cloud}/control/registrations"
    return list(requests.get(url, timeout=10).json()["registrations"])


def finish(page: Any, demo: Demo, scaled: float, kind: str = QUIZZES[0]) -> None:
    """Alice opens an activity and SCORM Cloud reports a result for her."""
    before = set(registrations(demo))
    act_as(page, demo, "Alice Andersen")
    player = open_activity(page, kind)
    player.frame_locator("#sco").get_by_role("button", name="Start the quiz").wait_for()
    (registration,) = set(registrations(demo)) - before
    result = {"completion": "COMPLETED", "success": "PASSED", "scaled": scaled}
    url = f"{demo.scorm_cloud}/control/registrations/{registration}"
    requests.put(url, json=result, timeout=10)
    grades = f"{demo.lms}/control/grades"

    def arrived() -> bool:
        cells = requests.get(grades, timeout=10).json()["grades"]
        return any(cell["person"] == "alice" and cell["score"] == scaled for cell in cells)

    wait_for(arrived, "Alice's grade")


def _arrived(demo: Demo) -> str:
    """What the pages say of a score that has come: only Moodle is asked what stands after it."""
    return "In the gradebook" if demo.dialect == "moodle" else "Taken by the LMS"


def test_staff_see_learners_and_choose_a_course(page: Any, demo: Demo) -> None:
    finish(page, demo, 85.5)
    act_as(page, demo, "Ida Ivarsson")

    tool = open_activity(page, QUIZZES[0])
    row = tool.get_by_role("row", name="Alice Andersen")
    row.get_by_text(_arrived(demo)).wait_for()
    shoot(page, f"{demo.dialect}-staff")
    assert "85.5" in row.inner_text()
    assert "Not started" in tool.get_by_role("row", name="Ben Okafor").inner_text()

    tool.get_by_role("link", name="Choose another course").click()
    tool.get_by_role("button", name=f"Choose {title(QUIZZES[1])}").click()
    tool.get_by_text("You chose this course here").wait_for()
    shoot(page, f"{demo.dialect}-staff-chosen")
    assert course_id(QUIZZES[1]) in tool.locator("main").inner_text()

    tool.get_by_role("button", name="Take the choice back").click()
    tool.get_by_text("You chose this course here").wait_for(state="detached")

    page.goto(f"{demo.lms}/gradebook")
    page.get_by_role("link", name="Alice Andersen").first.click()
    review = page.frame_locator("iframe.tool")
    review.get_by_text("85.5 of 100").first.wait_for()
    review.get_by_text("Everything that happened").click()
    review.get_by_text("The LMS took 85.5 of 100.").first.wait_for()
    shoot(page, f"{demo.dialect}-review")


def test_instructor_steers_the_grades(page: Any, demo: Demo) -> None:
    """By keyboard and by mouse, in the frame; each page once more by itself for axe."""
    finish(page, demo, 72.5, QUIZZES[1])
    act_as(page, demo, "Ida Ivarsson")
    tool = open_activity(page, QUIZZES[1])
    tool.get_by_role("link", name="Alice Andersen").click()
    tool.get_by_role("button", name="Read the result again").click()
    tool.get_by_text("The result is read again").wait_for()
    tool.get_by_role("link", name="Send the grade again").click()
    tool.get_by_role("button", name="Send it again").press("Enter")
    tool.get_by_text("The grade is decided and sent anew").wait_for()
    shoot(page, f"{demo.dialect}-staff-learner")
    tool.get_by_text(_arrived(demo)).wait_for()  # the page looks again by itself

    tool.get_by_role("link", name="All learners").click()
    tool.get_by_role("link", name="Change the grading").click()
    tool.get_by_label("Which attempt is the grade").select_option(label="The newest attempt")
    tool.get_by_label("How many attempts").fill("3")
    tool.get_by_role("button", name="Show what it would change").click()
    tool.get_by_text("It changes no grade that was decided so far").wait_for()
    shoot(page, f"{demo.dialect}-staff-policy")
    tool.get_by_role("button", name="Use this grading").click()
    tool.get_by_text("The newest attempt is the grade").wait_for()
    with page.expect_download() as download:
        tool.get_by_role("link", name="Download as CSV").click()
    lines = download.value.path().read_text("utf-8-sig").splitlines()
    assert [line for line in lines if "Alice Andersen" in line and ",72.5," in line]

    if demo.dialect != "canvas":  # the same pages
        return
    link = next(frame.url for frame in page.frames if "/console/link?" in frame.url)
    pages = ("link", ""), ("learner", "Alice Andersen"), ("policy", "Change the")
    for name, text in (*pages, ("gradebook", "What the gradebook holds")):
        page.goto(link)
        if text:
            page.get_by_role("link", name=text).click()
        axe.check(page, f"{demo.dialect} {name}")
        shoot(page, f"{demo.dialect}-instructor-{name}")


def test_admin_finds_the_way_into_the_console(page: Any, demo: Demo) -> None:
    act_as(page, demo, "Adam Novak")
    tool = open_activity(page, QUIZZES[0])

    tool.get_by_role("button", name="Open the console").click()

    tool.get_by_role("heading", name="An owner of this bridge has to let you in").wait_for()
    shoot(page, f"{demo.dialect}-console-asked")


def test_copied_course_works_by_itself(page: Any, demo: Demo) -> None:
    """The copy has its own link and its own column, and its course was not chosen anew."""
    copied = requests.post(f"{demo.lms}/control/course-copy", timeout=10).json()["activities"]
    newest = next(entry["id"] for entry in copied if title(QUIZZES[1]) in entry["title"])
    act_as(page, demo, "Carla Mendes")
    before = set(registrations(demo))

    page.goto(f"{demo.lms}/activities/{newest}")
    player = page.frame_locator("iframe.tool")
    take_quiz(player, QUIZZES[1], right=2)
    player.get_by_role("button", name="Exit course").click()
    player.get_by_role("heading", name=ARRIVED[demo.dialect]).wait_for(timeout=40_000)

    assert len(set(registrations(demo)) - before) == 1
    cells = requests.get(f"{demo.lms}/control/grades", timeout=10).json()["grades"]
    graded = {(c["activity"], c["score"]) for c in cells if c["person"] == "carla" and c["score"]}
    assert graded == {(newest, 50)}
