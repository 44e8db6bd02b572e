"""The player in a real browser: from launch link to exit."""

from typing import Any

import pytest

from lti_sandbox.sample_courses import KINDS
from tests.lti_sandbox.scorm_cloud.practice import Listener, Practice, wait_until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.deep("every kind of package; the journeys play both standards"),
]


def open_course(page: Any, practice: Practice, kind: str, back: str = "") -> Any:
    course = practice.add_course(kind)
    practice.register("seat-1", course)
    page.goto(practice.launch_link("seat-1", back or practice.url + "/?back=1&x=y"))
    return page.frame_locator("#sco")


def take_quiz(frame: Any, kind: str, right: int) -> None:
    """Answer the quiz with so many right answers."""
    frame.get_by_role("button", name="Start the quiz").click()
    for number, question in enumerate(KINDS[kind].course["questions"]):
        choice = question["correct"] if number < right else (question["correct"] + 1) % 3
        frame.get_by_role("radio").nth(number * 3 + choice).check()
    frame.get_by_role("button", name="Submit answers").click()
    frame.locator("#score").wait_for()


@pytest.mark.parametrize("kind", ["scorm12-quiz", "scorm2004-quiz"])
@pytest.mark.parametrize(
    "right, success, score", [(4, "PASSED", 100), (3, "FAILED", 75)], ids=["all", "three"]
)
def test_quiz_becomes_a_result(
    page: Any, practice: Practice, kind: str, right: int, success: str, score: float
) -> None:
    frame = open_course(page, practice, kind)

    take_quiz(frame, kind, right)
    page.get_by_role("button", name="Exit course").click()
    page.wait_for_url("**/?back=1&x=y")

    told = practice.everything("seat-1")
    assert (told["completion"], told["success"], told["scaled"]) == ("COMPLETED", success, score)
    assert "exitTime" in told["launch_history"][0]
    runtime = told["progress"]["activityDetails"]["children"][0]["runtime"]
    assert len(runtime["runtimeInteractions"]) == 4


@pytest.mark.parametrize(
    "kind, expected",
    [
        ("scorm12-early-completed", ("COMPLETED", "UNKNOWN", 50)),
        ("scorm2004-success-only", ("UNKNOWN", "FAILED", None)),
        ("scorm12-score-only", ("COMPLETED", "UNKNOWN", 50)),
    ],
    ids=["early completed", "success only", "score only"],
)
def test_odd_packages_report_as_they_do(
    page: Any, practice: Practice, kind: str, expected: tuple[str, str, float | None]
) -> None:
    frame = open_course(page, practice, kind)

    take_quiz(frame, kind, 2)
    page.get_by_role("button", name="Exit course").click()
    page.wait_for_url("**/?back=1&x=y")

    told = practice.everything("seat-1")
    assert (told["completion"], told["success"], told["scaled"]) == expected


def test_early_completion_comes_before_the_score(page: Any, practice: Practice) -> None:
    open_course(page, practice, "scorm12-early-completed")

    wait_until(lambda: practice.everything("seat-1")["completion"] == "COMPLETED")
    assert practice.everything("seat-1")["scaled"] is None


def test_reading_only_completes_without_score(page: Any, practice: Practice) -> None:
    frame = open_course(page, practice, "scorm12-no-quiz")

    frame.get_by_role("button", name="I have read this").click()
    page.get_by_role("button", name="Exit course").click()
    page.wait_for_url("**/?back=1&x=y")

    told = practice.everything("seat-1")
    assert (told["completion"], told["success"], told["scaled"]) == ("COMPLETED", "UNKNOWN", None)


def test_closed_tab_still_saves_and_exits(page: Any, practice: Practice) -> None:
    frame = open_course(page, practice, "scorm12-quiz")
    take_quiz(frame, "scorm12-quiz", 4)

    page.close()

    wait_until(lambda: "exitTime" in practice.everything("seat-1")["launch_history"][0])
    assert practice.everything("seat-1")["scaled"] == 100


def test_relaunch_resumes_place_and_answers(page: Any, practice: Practice) -> None:
    frame = open_course(page, practice, "scorm2004-quiz")
    frame.get_by_role("button", name="Start the quiz").click()
    frame.get_by_role("radio").nth(1).check()
    page.get_by_role("button", name="Exit course").click()
    page.wait_for_url("**/?back=1&x=y")

    page.goto(practice.launch_link("seat-1"))

    again = page.frame_locator("#sco").get_by_role("radio").nth(1)
    again.wait_for()
    assert again.is_checked()
    assert len(practice.everything("seat-1")["launch_history"]) == 2


def test_reload_goes_on_with_the_same_launch(page: Any, practice: Practice) -> None:
    frame = open_course(page, practice, "scorm12-quiz")
    take_quiz(frame, "scorm12-quiz", 3)

    page.reload()

    page.frame_locator("#sco").locator("#score").wait_for()
    assert len(practice.everything("seat-1")["launch_history"]) == 1


@pytest.mark.parametrize("word", ["Message", "closer", "not an address"])
def test_exit_without_address_shows_a_page(page: Any, practice: Practice, word: str) -> None:
    frame = open_course(page, practice, "scorm12-no-quiz", word)
    frame.get_by_role("button", name="I have read this").wait_for()

    page.get_by_role("button", name="Exit course").click()

    page.get_by_role("heading", name="You have left the course").wait_for()


def test_never_return_stays_in_the_player(page: Any, practice: Practice) -> None:
    frame = open_course(page, practice, "scorm12-no-quiz")
    frame.get_by_role("button", name="I have read this").wait_for()
    practice.faults(never_return=True)

    page.get_by_role("button", name="Exit course").click()

    page.get_by_text("The practice fault never_return is on").wait_for()
    assert "exitTime" in practice.everything("seat-1")["launch_history"][0]


def test_postbacks_come_during_and_after(page: Any, practice: Practice, listener: Listener) -> None:
    course = practice.add_course("scorm12-no-quiz")
    practice.register("seat-1", course, postBack={"url": listener.url, "authType": "HTTPBASIC"})

    page.goto(practice.launch_link("seat-1", practice.url + "/?back"))
    during = wait_until(lambda: len(listener.heard))
    page.get_by_role("button", name="Exit course").click()
    page.wait_for_url("**/?back")

    wait_until(lambda: len(listener.heard) > during)
    assert b'"registrationCompletion": "INCOMPLETE"' in listener.heard[0].body


def test_plays_inside_a_frame_on_a_phone(browser: Any, practice: Practice) -> None:
    practice.register("seat-1", practice.add_course("scorm12-quiz"))
    context = browser.new_context(viewport={"width": 390, "height": 700}, has_touch=True)
    page = context.new_page()
    page.goto(practice.url)
    link = practice.launch_link("seat-1", practice.url + "/?back")
    page.set_content(f'<iframe id="lms" src="{link}" style="width:100%;height:600px"></iframe>')
    player = page.frame_locator("#lms")

    take_quiz(player.frame_locator("#sco"), "scorm12-quiz", 4)
    wide = player.locator("html").evaluate("(html) => html.scrollWidth - html.clientWidth")
    player.get_by_role("button", name="Exit course").tap()

    player.get_by_role("heading", name="Practice SCORM Cloud").wait_for()
    context.close()
    assert wide == 0
    assert practice.everything("seat-1")["scaled"] == 100


def test_preview_records_nothing(page: Any, practice: Practice) -> None:
    course = practice.add_course()
    answer = practice.api(
        "POST", f"/courses/{course}/preview", json={"redirectOnExitUrl": "message"}
    )

    page.goto(answer.json()["launchLink"])
    take_quiz(page.frame_locator("#sco"), "scorm12-quiz", 4)
    page.get_by_role("button", name="Exit course").click()

    page.get_by_role("heading", name="You have left the course").wait_for()
    assert practice.cloud.store.count("SELECT COUNT(*) FROM registration") == 0


def test_expired_link_says_so(practice: Practice) -> None:
    practice.register("seat-1", practice.add_course())
    link = practice.launch_link("seat-1")
    practice.cloud.store.run("UPDATE link SET document = json_set(document, '$.expires', 0)")

    answer = practice.session.get(link, timeout=20)

    assert answer.status_code == 410
    assert "This link has expired" in answer.text and "practice" in answer.text
    assert practice.everything("seat-1")["launch_history"] == []


def test_unknown_link_says_so(practice: Practice) -> None:
    answer = practice.session.get(practice.url + "/api/cloud/registration/launch/x", timeout=20)

    assert answer.status_code == 404
    assert "This course cannot be opened" in answer.text


def test_ended_session_takes_no_commits(page: Any, practice: Practice) -> None:
    open_course(page, practice, "scorm12-quiz")
    player = page.url
    page.get_by_role("button", name="Exit course").click()
    page.wait_for_url("**/?back=1&x=y")
    late = {"sequence": 999, "cmi": {"cmi.core.lesson_status": "passed"}}

    practice.session.post(player + "/commit", json=late, timeout=20)

    assert practice.everything("seat-1")["success"] == "UNKNOWN"
    assert practice.session.get(player, timeout=20).status_code == 410
