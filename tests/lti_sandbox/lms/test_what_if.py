"""The "What if …" panel of the course page: plain forms that bring about what goes wrong."""

from html import unescape

import pytest

from lti_sandbox.practice_lms.gradebook import read_typed
from tests.html import Form, read_page
from tests.lti_sandbox.lms.conftest import Lms
from tests.lti_sandbox.lms.scene import Scene

LOCALE = "https://purl.imsglobal.org/spec/lti/claim/launch_presentation"


@pytest.fixture
def scene(lms: Lms) -> Scene:
    scene = Scene(lms)
    scene.post(80)
    return scene


def form(lms: Lms, name: str) -> Form:
    forms = read_page(lms.web.get("/").text, "http://localhost/").forms
    return next(f for f in forms if f.action.endswith(f"/what-if/{name}"))


def press(lms: Lms, name: str, **changes: str) -> str:
    """Fill in a form of the panel, press its button, and return the page that comes."""
    found = form(lms, name)
    answer = lms.web.post(found.action, data=found.fields | changes, follow_redirects=True)
    assert answer.status_code == 200, answer.text
    return unescape(answer.text)


def test_lms_goes_down_and_comes_back(lms: Lms, scene: Scene) -> None:
    lms.act_as("alice")

    page = press(lms, "outage", do="down")
    scene.post(81)
    launch = lms.web.get(f"/activities/{scene.activity}/launch").status_code

    assert "The LMS is down" in page
    assert (scene.statuses[-1], launch) == (503, 503)
    assert "The LMS is down" not in press(lms, "outage")
    scene.post(82)
    assert (scene.statuses[-1], scene.see_score()) == (200, 82)


def test_column_is_deleted_and_restored(lms: Lms, scene: Scene) -> None:
    page = press(lms, "column", do="delete")
    status = scene.item_status()[0]

    assert "Deleted now: Golf." in page
    assert status == 404
    assert "Deleted now" not in press(lms, "column", do="restore")
    assert (scene.item_status()[0], scene.see_score()) == (200, 80)


@pytest.mark.parametrize(
    ("typed", "score"),
    [("55", 55), (" 7,5 ", 7.5), ("", None), ("a lot", None)],
    ids=["a number", "a comma", "nothing", "no number"],
)
def test_typed_grade_stands(lms: Lms, scene: Scene, typed: str, score: float | None) -> None:
    press(lms, "grade", score=typed)

    assert scene.see_score() == score
    assert read_typed(typed) == score


def test_learner_leaves_and_comes_back(lms: Lms, scene: Scene) -> None:
    page = press(lms, "enrolment", do="leave")
    scene.post(81)
    lms.act_as("alice")
    launch = lms.web.get(f"/activities/{scene.activity}/launch")

    assert "Not in the course now: Alice Andersen." in page
    assert scene.statuses[-1] == {"moodle": 400, "canvas": 422}[lms.dialect]
    assert (launch.status_code, "not in this course" in launch.text) == (403, True)
    assert "Not in the course now" not in press(lms, "enrolment", do="return")
    assert scene.see_score() == {"moodle": None, "canvas": 80}[lms.dialect]


def test_launches_name_the_language(lms: Lms, scene: Scene) -> None:
    press(lms, "language", locale="pt_BR")
    lms.act_as("alice")

    claims = lms.claims(f"/activities/{scene.activity}/launch")

    assert claims[LOCALE]["locale"] == "pt_BR"
    assert form(lms, "language").fields["locale"] == "pt_BR"


def test_course_without_activities_has_a_panel(lms: Lms) -> None:
    actions = [f.action for f in read_page(lms.web.get("/").text, "").forms]

    assert [action for action in actions if action.startswith("/what-if/")] == [
        "/what-if/outage",
        "/what-if/enrolment",
        "/what-if/language",
    ]


@pytest.mark.parametrize("what", ["column", "grade", "enrolment"])
def test_panel_says_what_is_missing(lms: Lms, what: str) -> None:
    answer = lms.web.post(f"/what-if/{what}", data={"activity": "77", "person": "zoe"})

    assert answer.status_code == 404
    assert "There is no" in answer.text
    assert answer.mimetype == "text/html"


def test_panel_is_closed_until_something_is_wrong(lms: Lms, scene: Scene) -> None:
    closed = '<details id="what-if" class="what-if">'

    assert closed in lms.web.get("/").text
    assert closed not in press(lms, "outage", do="down")
