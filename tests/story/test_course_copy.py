"""A course copied in the LMS: new links, the same course, grades of their own."""

import requests

from tests.story.stage import Stage
from tests.world import page_token

PASSED = {"completion": "COMPLETED", "success": "PASSED", "seconds": 60}


def copy_course(stage: Stage) -> str:
    """Copy the LMS course and return the id of the copied activity."""
    answer = requests.post(f"{stage.lms.url}/control/course-copy", timeout=10)
    (copied,) = answer.json()["activities"]
    return str(copied["id"])


def finish(stage: Stage, activity: str, scaled: float) -> str:
    alice = stage.person("alice")
    registration = alice.open_player(activity)
    stage.finish_course(registration, **PASSED, scaled=scaled)
    alice.get(stage.exit_url(registration))
    return registration


def test_copied_activity_works_by_itself(stage: Stage) -> None:
    original = stage.activities["Fire safety"]
    registration = finish(stage, original, 70)
    stage.wait_for_grade("alice", original, 70)

    copied = copy_course(stage)
    other = finish(stage, copied, 90)

    assert other != registration
    stage.wait_for_grade("alice", copied, 90)
    assert stage.grade_of("alice", original) == 70


def test_override_stays_behind(stage: Stage) -> None:
    """The choice made on the instructor's page belongs to its link; the custom field travels."""
    original = stage.activities["Fire safety"]
    ida = stage.person("ida")
    page = ida.launch(original)
    token = page_token(page.headers["Location"])
    bridge = stage.services.settings.public_url
    ida.post(f"{bridge}/console/link/course", {"page": token, "course_id": "fire-safety"})

    copied = copy_course(stage)
    page = ida.launch(copied)
    text = ida.get(bridge + page.headers["Location"]).text

    assert "You chose this course here" not in text
    assert "Fire safety" in text
